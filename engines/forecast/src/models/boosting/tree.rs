//! A regression tree: what is kept of a grown one, and its way of forecasting.

/// A node: an inner one asks whether a column is below a threshold, a leaf has a value.
#[derive(Clone, Copy, Debug)]
struct Node {
    column: usize,
    threshold: f64,
    /// The nodes below and not below the threshold; a leaf is its own child.
    children: [usize; 2],
    value: f64,
}

/// A regression tree.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    /// What a grown tree says of rows without missing values.
    pub(super) fn of(grown: &forust_ml::tree::Tree) -> Self {
        let nodes = grown.nodes.iter().enumerate().map(|(place, node)| Node {
            column: node.split_feature,
            threshold: node.split_value,
            children: if node.is_leaf { [place, place] } else { [node.left_child, node.right_child] },
            value: f64::from(node.weight_value),
        });
        Self { nodes: nodes.collect() }
    }

    /// Whether there is no split.
    pub(super) fn is_stump(&self) -> bool {
        self.nodes.len() < 2
    }

    /// How many nodes there are: leaves are numbered below that.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The number of the leaf that a row falls in.
    pub(super) fn leaf(&self, value: impl Fn(usize) -> f64) -> usize {
        let mut place = 0;
        loop {
            let node = &self.nodes[place];
            if node.children[0] == place {
                return place;
            }
            place = node.children[usize::from(value(node.column) >= node.threshold)];
        }
    }

    /// What a leaf forecasts.
    pub(super) fn value(&self, leaf: usize) -> f64 {
        self.nodes[leaf].value
    }

    /// Gives a leaf another value.
    pub(super) fn set(&mut self, leaf: usize, value: f64) {
        self.nodes[leaf].value = value;
    }
}
