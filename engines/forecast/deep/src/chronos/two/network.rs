//! The network: patches of the context, a token, and patches of the coming steps, through one encoder.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::{Configuration, Row};
use crate::chronos::patches::{Scaling, at};
use crate::t5::{Attention, FeedForward, ResidualBlock, RmsNorm, blocked};
use crate::weights::{Error, Weights};

/// The weights on a device.
#[derive(Module, Debug)]
pub(super) struct Network {
    tokens: Param<Tensor<2>>,
    entrance: ResidualBlock,
    layers: Vec<Layer>,
    norm: RmsNorm,
    exit: ResidualBlock,
    #[module(skip)]
    patch: usize,
    #[module(skip)]
    middle_token: Option<usize>,
    #[module(skip)]
    arcsinh: bool,
    #[module(skip)]
    time_scale: f64,
    #[module(skip)]
    rotation_base: f64,
    #[module(skip)]
    head_width: usize,
}

#[derive(Module, Debug)]
struct Layer {
    time_norm: RmsNorm,
    time: Attention,
    group_norm: RmsNorm,
    group: Attention,
    feed_forward_norm: RmsNorm,
    feed_forward: FeedForward,
}

/// What steers attention: the same in all layers.
struct Steering {
    /// Cosines and sines of the places' rotations, `[1, 1, places, head width]`.
    rotation: (Tensor<4>, Tensor<4>),
    /// Keeps attention from patches in which nothing is observed.
    blocked: Option<Tensor<4>>,
    /// Keeps each series to its group, `[places, 1, series, series]`; none where each is a group by itself.
    groups: Option<Tensor<4>>,
}

impl Network {
    pub(super) fn read(weights: &Weights, c: &Configuration, device: &Device) -> Result<Self, Error> {
        let norm = |name: &str| RmsNorm::read(weights, name, c.width, c.epsilon, device);
        let attention = |name: &str| Attention::read(weights, name, [c.width, c.heads, c.head_width], device);
        let block = |name: &str, sizes: [usize; 3]| ResidualBlock::read(weights, name, sizes, c.activation, device);
        let layer = |i: usize| {
            let name = |part: &str| format!("encoder.block.{i}.{part}");
            let activation = (c.activation, c.gated);
            Ok(Layer {
                time_norm: norm(&name("layer.0.layer_norm"))?,
                time: attention(&name("layer.0.self_attention"))?,
                group_norm: norm(&name("layer.1.layer_norm"))?,
                group: attention(&name("layer.1.self_attention"))?,
                feed_forward_norm: norm(&name("layer.2.layer_norm"))?,
                feed_forward: FeedForward::read(weights, &name("layer.2.mlp"), [c.width, c.inner], activation, device)?,
            })
        };
        let tokens = weights.read("shared.weight", &[c.tokens, c.width])?;
        Ok(Self {
            tokens: Param::from_data(TensorData::new(tokens, [c.tokens, c.width]), device),
            entrance: block("input_patch_embedding", [3 * c.patch, c.inner, c.width])?,
            layers: (0..c.layers).map(layer).collect::<Result<_, Error>>()?,
            norm: norm("encoder.final_layer_norm")?,
            exit: block("output_patch_embedding", [c.width, c.inner, c.levels.len() * c.output_patch])?,
            patch: c.patch,
            middle_token: c.middle_token,
            arcsinh: c.arcsinh,
            time_scale: c.time_scale,
            rotation_base: c.rotation_base,
            head_width: c.head_width,
        })
    }

    /// The scaled quantiles of the next `patches` patches, `[series, patches, levels · steps]`. `sizes` are those of the
    /// groups, one after the other.
    pub(super) fn forward(
        &self,
        rows: &[&Row],
        scalings: &[Scaling],
        sizes: &[usize],
        patches: usize,
        device: &Device,
    ) -> Tensor<3> {
        let batch = rows.len();
        let (values, seen) = self.contexts(rows, scalings);
        let count = seen.len() / batch.max(1);
        let embed = |values: Vec<f32>, count: usize| {
            let patches = TensorData::new(values, [batch, count, 3 * self.patch]);
            self.entrance.forward(Tensor::from_data(patches, device))
        };
        let mut parts = vec![embed(values, count)];
        if let Some(token) = self.middle_token {
            parts.push(self.tokens.val().narrow(0, token, 1).unsqueeze::<3>().repeat_dim(0, batch));
        }
        parts.push(embed(self.futures(rows, scalings, patches), patches));
        let mut states = Tensor::cat(parts, 1);
        let [_, places, _] = states.dims();
        let after = places - count;
        let open: Vec<bool> =
            seen.chunks(count).flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(true, after))).collect();
        let steering = Steering {
            rotation: self.rotation(places, device),
            blocked: blocked(&open, batch, device),
            groups: groups(sizes, &open, places, device),
        };
        for layer in &self.layers {
            states = layer.forward(states, &steering);
        }
        self.exit.forward(self.norm.forward(states).narrow(1, places - patches, patches))
    }

    /// Turns of pairs of a head's numbers by the place, faster for the first pairs (Su et al. 2021).
    fn rotation(&self, places: usize, device: &Device) -> (Tensor<4>, Tensor<4>) {
        let half = self.head_width / 2;
        let angle = |place: usize, i: usize| {
            place as f64 / self.rotation_base.powf((2 * (i % half)) as f64 / self.head_width as f64)
        };
        let angles = || (0..places).flat_map(|place| (0..self.head_width).map(move |i| (place, i)));
        let tensor =
            |values: Vec<f32>| Tensor::from_data(TensorData::new(values, [1, 1, places, self.head_width]), device);
        let cosines = angles().map(|(place, i)| angle(place, i).cos() as f32).collect();
        let sines = angles().map(|(place, i)| angle(place, i).sin() as f32).collect();
        (tensor(cosines), tensor(sines))
    }

    /// The patches of all contexts, and in which of them anything is observed. A patch is the time of its values, the
    /// values, and which of them are observed.
    fn contexts(&self, rows: &[&Row], scalings: &[Scaling]) -> (Vec<f32>, Vec<bool>) {
        let longest = rows.iter().map(|row| row.context.len()).max().unwrap_or(1);
        let count = longest.div_ceil(self.patch);
        let places = count * self.patch;
        let mut values = Vec::with_capacity(rows.len() * 3 * places);
        let mut seen = Vec::with_capacity(rows.len() * count);
        for (row, scaling) in rows.iter().zip(scalings) {
            for patch in 0..count {
                let first = patch * self.patch;
                let found: Vec<Option<f64>> =
                    (first..first + self.patch).map(|p| at(&row.context, places, p)).collect();
                self.push(&mut values, first as f64 - places as f64, &found, scaling);
                seen.push(found.iter().any(Option::is_some));
            }
        }
        (values, seen)
    }

    fn futures(&self, rows: &[&Row], scalings: &[Scaling], patches: usize) -> Vec<f32> {
        let mut values = Vec::with_capacity(rows.len() * 3 * patches * self.patch);
        for (row, scaling) in rows.iter().zip(scalings) {
            for first in (0..patches).map(|patch| patch * self.patch) {
                let known = |step: usize| row.future.get(step).copied().filter(|v| !v.is_nan());
                let found: Vec<Option<f64>> = (first..first + self.patch).map(known).collect();
                self.push(&mut values, first as f64, &found, scaling);
            }
        }
        values
    }

    fn push(&self, values: &mut Vec<f32>, first: f64, found: &[Option<f64>], scaling: &Scaling) {
        let scaled = |v: f64| {
            let scaled = scaling.scaled(v);
            (if self.arcsinh { scaled.asinh() } else { scaled }) as f32
        };
        values.extend((0..found.len()).map(|i| ((first + i as f64) / self.time_scale) as f32));
        values.extend(found.iter().map(|v| v.map_or(0.0, scaled)));
        values.extend(found.iter().map(|v| if v.is_some() { 1.0 } else { 0.0 }));
    }
}

impl Layer {
    fn forward(&self, mut states: Tensor<3>, steering: &Steering) -> Tensor<3> {
        let normed = self.time_norm.forward(states.clone());
        let (keys, values) = self.time.keys_and_values(normed.clone());
        let queries = rotated(self.time.queries(normed), &steering.rotation);
        let keys = rotated(keys, &steering.rotation);
        states = states + self.time.attend(queries, keys, values, steering.blocked.clone());
        states = states.clone() + self.across(self.group_norm.forward(states), steering);
        states.clone() + self.feed_forward.forward(self.feed_forward_norm.forward(states))
    }

    /// From every series to those of its group, place by place.
    fn across(&self, normed: Tensor<3>, steering: &Steering) -> Tensor<3> {
        match &steering.groups {
            Some(groups) => {
                let normed = normed.swap_dims(0, 1);
                self.group.forward(normed.clone(), normed, Some(groups.clone())).swap_dims(0, 1)
            }
            None => self.group.alone(normed),
        }
    }
}

fn rotated(x: Tensor<4>, (cosines, sines): &(Tensor<4>, Tensor<4>)) -> Tensor<4> {
    let [.., width] = x.dims();
    let half = width / 2;
    let turned = Tensor::cat(vec![x.clone().narrow(3, half, half).neg(), x.clone().narrow(3, 0, half)], 3);
    x * cosines.clone() + turned * sines.clone()
}

/// Keeps series from those of other groups and from places where nothing was observed.
fn groups(sizes: &[usize], open: &[bool], places: usize, device: &Device) -> Option<Tensor<4>> {
    if sizes.iter().all(|size| *size == 1) {
        // A series attends to itself alone, where a place without observations is read by nobody.
        return None;
    }
    let group: Vec<usize> = sizes.iter().enumerate().flat_map(|(g, size)| std::iter::repeat_n(g, *size)).collect();
    let series = group.len();
    let mut values = Vec::with_capacity(places * series * series);
    for place in 0..places {
        for from in &group {
            values.extend(
                (0..series).map(|to| if group[to] == *from && open[to * places + place] { 0.0 } else { f32::MIN }),
            );
        }
    }
    Some(Tensor::from_data(TensorData::new(values, [places, 1, series, series]), device))
}
