//! Serde for vectors of numbers in which NaN stands for a missing value: it is written as null, so that the
//! same type travels as JSON and as MessagePack.
//!
//! Use with `#[serde(with = "atsre_domain::missing")]`.

use serde::de::Deserialize;
use serde::{Deserializer, Serializer};

/// Writes NaN and the infinities as null.
///
/// # Errors
/// When the serializer fails.
pub fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(|v| if v.is_finite() { Some(*v) } else { None }))
}

/// Reads null as NaN.
///
/// # Errors
/// When the deserializer fails.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
    let values = Vec::<Option<f64>>::deserialize(deserializer)?;
    Ok(values.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect())
}

/// The same for a vector of such vectors: `#[serde(with = "atsre_domain::missing::rows")]`.
pub mod rows {
    use serde::de::Deserialize;
    use serde::{Deserializer, Serialize, Serializer};

    #[derive(Serialize, serde::Deserialize)]
    struct Row(#[serde(with = "super")] Vec<f64>);

    /// Writes NaN and the infinities as null.
    ///
    /// # Errors
    /// When the serializer fails.
    pub fn serialize<S: Serializer>(rows: &[Vec<f64>], serializer: S) -> Result<S::Ok, S::Error> {
        struct Borrowed<'a>(&'a [f64]);
        impl Serialize for Borrowed<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                super::serialize(self.0, serializer)
            }
        }
        serializer.collect_seq(rows.iter().map(|r| Borrowed(r)))
    }

    /// Reads null as NaN.
    ///
    /// # Errors
    /// When the deserializer fails.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<f64>>, D::Error> {
        Ok(Vec::<Row>::deserialize(deserializer)?.into_iter().map(|r| r.0).collect())
    }
}
