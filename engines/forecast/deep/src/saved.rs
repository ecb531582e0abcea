//! A trained network as bytes: safetensors, with all that predicting needs in the metadata.
//!
//! The file can be read by any program that reads safetensors; the metadata are JSON texts under `architecture`,
//! `configuration`, `encoder`, `shape`, `levels` and `history`.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::Error;
use crate::weights::Weights;

/// What stands for a path in errors about bytes.
const NAME: &str = "the saved network";
/// The metadata's mark of this kind of file, with its version.
const FORMAT: (&str, &str) = ("format", "atsre-net-1");

/// Named tensors and texts, on their way into bytes.
#[derive(Debug, Default)]
pub(crate) struct Writing {
    metadata: BTreeMap<String, String>,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Writing {
    /// Adds a value to the metadata.
    pub(crate) fn describe(&mut self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        let text = serde_json::to_string(value).map_err(|e| refuse(format!("`{name}` cannot be written: {e}")))?;
        self.metadata.insert(name.to_string(), text);
        Ok(())
    }

    /// Adds a tensor.
    pub(crate) fn tensor<const D: usize>(&mut self, name: String, tensor: Tensor<D>) -> Result<(), Error> {
        let shape = tensor.dims().to_vec();
        let values = tensor.try_into_vec_as::<f32>().map_err(Error::device)?;
        self.tensors.insert(name, (shape, values));
        Ok(())
    }

    /// Adds all weights of a module, named by their places in it after `prefix`.
    pub(crate) fn module<M: Module>(&mut self, prefix: &str, module: &M) -> Result<(), Error> {
        let mut visitor = Visitor { path: vec![prefix.to_string()], writing: self, result: Ok(()) };
        module.visit(&mut visitor);
        visitor.result
    }

    /// The bytes of a safetensors file. The same contents give the same bytes.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let mut metadata = self.metadata;
        metadata.insert(FORMAT.0.to_string(), FORMAT.1.to_string());
        let mut header = serde_json::Map::new();
        header.insert("__metadata__".to_string(), json!(metadata));
        let mut end = 0;
        for (name, (shape, values)) in &self.tensors {
            let start = end;
            end += 4 * values.len();
            header.insert(name.clone(), json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] }));
        }
        let mut text = Value::Object(header).to_string().into_bytes();
        // The format asks for tensors that begin at a multiple of eight bytes.
        text.resize(text.len().next_multiple_of(8), b' ');
        let mut bytes = Vec::with_capacity(8 + text.len() + end);
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text);
        for value in self.tensors.values().flat_map(|(_, values)| values) {
            bytes.extend(value.to_le_bytes());
        }
        bytes
    }
}

/// Named tensors and texts, read from bytes.
#[derive(Debug)]
pub(crate) struct Reading {
    metadata: BTreeMap<String, String>,
    weights: Weights,
}

impl Reading {
    /// Reads the header of a file that [`Writing`] made.
    pub(crate) fn new(bytes: Vec<u8>) -> Result<Self, Error> {
        let metadata = metadata(&bytes);
        let weights = Weights::from_bytes(NAME, bytes)?;
        let metadata = metadata.unwrap_or_default();
        if metadata.get(FORMAT.0).map(String::as_str) != Some(FORMAT.1) {
            return Err(refuse(format!("its metadata do not say `{}`: `{}`", FORMAT.0, FORMAT.1)));
        }
        Ok(Self { metadata, weights })
    }

    /// A value of the metadata.
    pub(crate) fn described<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        let text = self.metadata.get(name).ok_or_else(|| refuse(format!("its metadata lack `{name}`")))?;
        serde_json::from_str(text).map_err(|e| refuse(format!("`{name}` in its metadata cannot be read: {e}")))
    }

    /// A value of the metadata that tells sizes: none is 0 where that would make no network, and none is so large that
    /// sums of their products would leave the integers.
    pub(crate) fn described_sizes<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        check_sizes(name, &self.described(name)?)?;
        self.described(name)
    }

    /// The number of all saved weights together.
    pub(crate) fn count(&self) -> usize {
        self.weights.count()
    }

    /// The values of a vector of any length.
    pub(crate) fn vector(&self, name: &str) -> Result<Vec<f32>, Error> {
        let shape = self.weights.shape(name).map(<[usize]>::to_vec).unwrap_or_default();
        Ok(self.weights.read(name, &shape)?)
    }

    /// `module` with the weights that were saved under `prefix`, on its own device.
    pub(crate) fn module<M: Module>(&self, prefix: &str, module: M) -> Result<M, Error> {
        let mut mapper = Mapper { path: vec![prefix.to_string()], reading: self, result: Ok(()) };
        let module = module.map(&mut mapper);
        mapper.result.map(|()| module)
    }
}

fn refuse(problem: String) -> Error {
    Error::Saved { problem }
}

/// Sizes that may be 0, besides those without a name of their own.
const MAY_BE_ZERO: [&str; 9] =
    ["features", "known", "past", "constant", "phases", "locations", "degree", "Trend", "covariate_context"];
/// The largest size: the product of four is still an integer of 64 bits.
const LARGEST_SIZE: u64 = 65_535;

fn check_sizes(name: &str, value: &Value) -> Result<(), Error> {
    match value {
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| check_sizes(name, value)),
        Value::Array(values) => values.iter().try_for_each(|value| check_sizes(name, value)),
        Value::Number(number) => {
            let least = u64::from(!MAY_BE_ZERO.contains(&name));
            match number.as_u64() {
                Some(size) if (least..=LARGEST_SIZE).contains(&size) => Ok(()),
                _ => Err(refuse(format!("`{name}` is {number} but must lie between {least} and {LARGEST_SIZE}"))),
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

/// The texts under `__metadata__`, where the bytes have any.
fn metadata(bytes: &[u8]) -> Option<BTreeMap<String, String>> {
    let length = usize::try_from(u64::from_le_bytes(*bytes.first_chunk()?)).ok()?;
    let header: Value = serde_json::from_slice(bytes.get(8..length.checked_add(8)?)?).ok()?;
    serde_json::from_value(header.get("__metadata__")?.clone()).ok()
}

struct Visitor<'a> {
    path: Vec<String>,
    writing: &'a mut Writing,
    result: Result<(), Error>,
}

impl ModuleVisitor for Visitor<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.result.is_ok() {
            self.result = self.writing.tensor(self.path.join("."), param.val());
        }
    }
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }
    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }
}

struct Mapper<'a> {
    path: Vec<String>,
    reading: &'a Reading,
    result: Result<(), Error>,
}

impl ModuleMapper for Mapper<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let shape = tensor.dims();
        let tensor = match self.reading.weights.read(&self.path.join("."), &shape) {
            Ok(values) => Tensor::from_data(TensorData::new(values, shape), &tensor.device())
                .set_require_grad(tensor.is_require_grad()),
            Err(error) => {
                self.result = Err(error.into());
                tensor
            }
        };
        Param::from_mapped_value(id, tensor, mapper)
    }
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }
    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }
}
