//! PCMCI+ and LPCMCI with d-separation instead of data: known ground truths, then random ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use atsre_causal::knowledge::{Knowledge, Window};
use atsre_causal::lpcmci::{self, lpcmci_with};
use atsre_causal::paths::separated;
use atsre_causal::pcmci::{LaggedTest, Link, Measured, PlusSettings, pcmci_plus_with};
use atsre_domain::graph::Mark;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::Dfs;

/// Steps of the past that the truth is unrolled over.
const DEPTH: usize = 9;

/// A process: links (source, lag, target) among `total` columns, of which the first `observed` are seen.
struct Process {
    observed: usize,
    total: usize,
    lag: usize,
    links: Vec<(usize, usize, usize)>,
    graph: DiGraph<(), ()>,
}

impl Process {
    fn new(observed: usize, total: usize, lag: usize, links: &[(usize, usize, usize)]) -> Self {
        let mut graph = DiGraph::new();
        for _ in 0..total * (DEPTH + 1) {
            graph.add_node(());
        }
        for (source, back, target) in links {
            for shift in 0..=DEPTH - back {
                graph.add_edge(
                    NodeIndex::new((shift + back) * total + source),
                    NodeIndex::new(shift * total + target),
                    (),
                );
            }
        }
        Self { observed, total, lag, links: links.to_vec(), graph }
    }

    /// From a node over observed columns to one of the unrolled graph.
    fn place(&self, node: usize) -> usize {
        node / self.observed * self.total + node % self.observed
    }

    fn separates(&self, x: usize, y: usize, given: &[usize]) -> bool {
        let given: Vec<usize> = given.iter().map(|n| self.place(*n)).collect();
        separated(&self.graph, self.place(x), self.place(y), &given)
    }

    fn ancestor(&self, from: usize, to: usize) -> bool {
        let mut search = Dfs::new(&self.graph, NodeIndex::new(self.place(from)));
        let to = NodeIndex::new(self.place(to));
        std::iter::from_fn(|| search.next(&self.graph)).any(|n| n == to)
    }

    /// Whether some set of observed nodes of the window separates two of them.
    fn separable(&self, x: usize, y: usize) -> bool {
        let others: Vec<usize> = (0..self.observed * (self.lag + 1)).filter(|n| *n != x && *n != y).collect();
        (0..1u32 << others.len()).any(|mask| {
            let given: Vec<usize> =
                others.iter().enumerate().filter(|(k, _)| mask >> k & 1 == 1).map(|(_, n)| *n).collect();
            self.separates(x, y, &given)
        })
    }
}

impl LaggedTest for Process {
    fn columns(&self) -> usize {
        self.observed
    }

    fn max_lag(&self) -> usize {
        2 * self.lag
    }

    fn test(&self, x: usize, y: usize, given: &[usize]) -> Measured {
        if self.separates(x, y, given) { Measured::NOTHING } else { Measured { value: 1.0, p_value: 0.0 } }
    }

    fn akaike(&self, _: usize, _: &[usize]) -> Option<f64> {
        None
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }
}

fn random_process(random: &mut Random, observed: usize, hidden: usize, lag: usize) -> Process {
    let total = observed + hidden;
    let mut links = Vec::new();
    for target in 0..total {
        for source in 0..total {
            for back in 0..=lag {
                let own = source == target && back == 1;
                let chance = if own { 70 } else { 22 };
                // Within a moment the columns are ordered.
                if (back > 0 || source < target) && random.below(100) < chance {
                    links.push((source, back, target));
                }
            }
        }
    }
    // The order of the columns shall not be the causal one.
    let mut shuffled: Vec<usize> = (0..total).collect();
    for k in (1..total).rev() {
        shuffled.swap(k, random.below(k + 1));
    }
    let renamed: Vec<_> = links.iter().map(|(a, back, b)| (shuffled[*a], *back, shuffled[*b])).collect();
    Process::new(observed, total, lag, &renamed)
}

fn settings(lag: usize, preliminary: usize) -> lpcmci::Settings {
    lpcmci::Settings { max_lag: lag, alpha: 0.5, preliminary, ..lpcmci::Settings::default() }
}

#[test]
fn a_hidden_common_cause_shows_as_a_double_arrow() {
    // given: h drives x and y after one step; both are autocorrelated and have a cause of their own
    let process = Process::new(
        4,
        5,
        1,
        &[(0, 1, 0), (1, 1, 1), (4, 1, 0), (4, 1, 1), (2, 0, 0), (3, 0, 1), (2, 1, 2), (3, 1, 3)],
    );
    let knowledge = Knowledge::of_time(Window::lagged(4, 1));
    // when
    let found = lpcmci_with(&process, &settings(1, 1), &knowledge).unwrap();
    // then
    let marks = (found.pattern.mark_at(0, 1), found.pattern.mark_at(1, 0));
    assert_eq!(marks, (Some(Mark::Arrow), Some(Mark::Arrow)));
    assert_eq!(found.pattern.mark_at(4, 0), Some(Mark::Tail), "its own past causes x");
}

#[test]
fn lpcmci_has_the_true_adjacencies_and_no_false_mark() {
    let mut random = Random(20_260_101);
    let (mut edges, mut settled) = (0, 0);
    for number in 0..240 {
        let (observed, lag) = [(3, 1), (2, 2), (4, 1), (3, 2)][number % 4];
        let process = random_process(&mut random, observed, 1 + number % 2, lag);
        let window = Window::lagged(observed, lag);
        let knowledge = Knowledge::of_time(window);
        let found = lpcmci_with(&process, &settings(lag, number % 3), &knowledge).unwrap();
        for (early, late) in window.pairs() {
            let adjacent = found.pattern.adjacent(early, late);
            assert_eq!(adjacent, !process.separable(early, late), "{number}: {early} {late} {:?}", process.links);
            if !adjacent {
                continue;
            }
            for (at, other) in [(early, late), (late, early)] {
                edges += 1;
                let mark = found.pattern.mark_at(at, other).unwrap();
                settled += usize::from(mark != Mark::Circle);
                let ancestor = process.ancestor(at, other);
                assert!(
                    mark == Mark::Circle || (mark == Mark::Tail) == ancestor,
                    "{number}: {mark:?} at {at} towards {other}, {:?}",
                    process.links
                );
            }
        }
    }
    assert!(settled * 2 > edges, "{settled} of {edges} marks are settled");
}

#[test]
fn pcmci_plus_has_the_true_links_and_no_false_direction() {
    let mut random = Random(7);
    let mut directed = 0;
    for number in 0..300 {
        let (columns, lag) = [(3, 1), (4, 1), (3, 2), (5, 1)][number % 4];
        let process = random_process(&mut random, columns, 0, lag);
        let settings = PlusSettings { max_lag: lag, alpha: Some(0.5), ..PlusSettings::default() };
        let found = pcmci_plus_with(&process, &settings, &Knowledge::of_time(Window::lagged(columns, lag))).unwrap();
        for source in 0..columns {
            for target in 0..columns {
                for back in 0..=lag {
                    let link = found.links.get(source, target, back);
                    let forward = process.links.contains(&(source, back, target));
                    let backward = back == 0 && process.links.contains(&(target, 0, source));
                    assert_eq!(link != Link::Absent, forward || backward, "{number}: {:?}", process.links);
                    match link {
                        Link::Forward => assert!(forward, "{number}: {source} → {target}, {:?}", process.links),
                        Link::Backward => assert!(backward, "{number}: {source} ← {target}"),
                        Link::Conflict => panic!("{number}: an oracle does not contradict itself"),
                        Link::Open | Link::Absent => {}
                    }
                    directed += usize::from(back == 0 && link == Link::Forward);
                }
            }
        }
    }
    assert!(directed > 100, "{directed}");
}
