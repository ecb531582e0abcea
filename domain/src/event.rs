//! Events on the wire, and the union of all event types.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{dataset, experiment, node};

/// An event in the form that the log stores: a type, an integer version and a JSON payload.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodedEvent {
    /// The type, such as `TrialFailed`.
    pub event_type: &'static str,
    /// The version of the payload's shape, from 1.
    pub event_version: u32,
    /// The payload.
    pub payload: Value,
}

/// A stored event that this build cannot read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No such type in this stream type.
    #[error("unknown event type {event_type} in stream type {stream_type}")]
    UnknownType {
        /// The stream type.
        stream_type: String,
        /// The event type.
        event_type: String,
    },
    /// Written by a newer build, or never written by any.
    #[error("event {event_type} has version {found}, this build reads 1 to {newest}")]
    UnknownVersion {
        /// The event type.
        event_type: String,
        /// The stored version.
        found: u32,
        /// The newest version this build knows.
        newest: u32,
    },
    /// The payload does not have the shape of its version.
    #[error("the payload of {event_type} version {version} does not have that shape")]
    Shape {
        /// The event type.
        event_type: String,
        /// Its version.
        version: u32,
        /// What was wrong.
        source: serde_json::Error,
    },
}

/// How an aggregate's events become stored ones and come back.
pub trait WireEvent: Sized {
    /// The stream type, equal to [`crate::Decider::TYPE`].
    const STREAM_TYPE: &'static str;

    /// The event's type, such as `TrialFailed`.
    fn event_type(&self) -> &'static str;

    /// The newest version of the payload's shape.
    fn event_version(&self) -> u32;

    /// The stored form, always of the newest version.
    fn encode(&self) -> EncodedEvent;

    /// The event, upcast from whatever version was stored.
    ///
    /// # Errors
    /// [`DecodeError`] when the type or version is unknown or the payload has another shape.
    fn decode(event_type: &str, event_version: u32, payload: Value) -> Result<Self, DecodeError>;

    /// As [`WireEvent::decode`], from the stored text: a payload of the newest version is read without a tree of
    /// values in between.
    ///
    /// # Errors
    /// As [`WireEvent::decode`]; text that is no JSON has no shape.
    fn decode_text(event_type: &str, event_version: u32, payload: &str) -> Result<Self, DecodeError> {
        let payload = serde_json::from_str(payload).map_err(|source| DecodeError::Shape {
            event_type: event_type.to_owned(),
            version: event_version,
            source,
        })?;
        Self::decode(event_type, event_version, payload)
    }
}

/// Implements [`WireEvent`] for an enum whose variants each wrap one payload struct of the same name. The
/// payload structs are the wire form of their newest version; older versions pass through upcasters first.
macro_rules! wire_events {
    ($event:ident in $stream:literal { $($name:ident = $version:literal),+ $(,)? }) => {
        impl $crate::event::WireEvent for $event {
            const STREAM_TYPE: &'static str = $stream;

            fn event_type(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name)),+ }
            }

            fn event_version(&self) -> u32 {
                match self { $(Self::$name(_) => $version),+ }
            }

            fn encode(&self) -> $crate::event::EncodedEvent {
                match self {
                    $(Self::$name(payload) => $crate::event::EncodedEvent {
                        event_type: stringify!($name),
                        event_version: $version,
                        payload: serde_json::to_value(payload).unwrap_or_else(|error| {
                            unreachable!("a payload has string keys and finite numbers only: {error}")
                        }),
                    }),+
                }
            }

            fn decode(event_type: &str, event_version: u32, payload: serde_json::Value)
                -> Result<Self, $crate::event::DecodeError> {
                match event_type {
                    $(stringify!($name) => {
                        let payload = $crate::event::upcast(stringify!($name), event_version, $version, payload)?;
                        $crate::event::from_object(payload).map(Self::$name).map_err(|source| {
                            $crate::event::DecodeError::Shape {
                                event_type: event_type.to_owned(), version: event_version, source,
                            }
                        })
                    })+
                    other => Err($crate::event::DecodeError::UnknownType {
                        stream_type: $stream.to_owned(), event_type: other.to_owned(),
                    }),
                }
            }

            fn decode_text(event_type: &str, event_version: u32, payload: &str)
                -> Result<Self, $crate::event::DecodeError> {
                let shape = |source| $crate::event::DecodeError::Shape {
                    event_type: event_type.to_owned(), version: event_version, source,
                };
                match (event_type, event_version) {
                    $((stringify!($name), $version) => {
                        $crate::event::from_object_text(payload).map(Self::$name).map_err(shape)
                    })+
                    _ => Self::decode(event_type, event_version, serde_json::from_str(payload).map_err(shape)?),
                }
            }
        }

        impl $event {
            /// Every event type of this stream with the newest version of its payload.
            pub const VERSIONS: &'static [(&'static str, u32)] = &[$((stringify!($name), $version)),+];
        }
    };
}
pub(crate) use wire_events;

/// A payload is an object; serde would read a struct from an array as well.
pub(crate) fn from_object<T: DeserializeOwned>(payload: Value) -> Result<T, serde_json::Error> {
    if payload.is_object() { serde_json::from_value(payload) } else { Err(not_an_object()) }
}

/// The same from text.
pub(crate) fn from_object_text<T: DeserializeOwned>(payload: &str) -> Result<T, serde_json::Error> {
    let value = serde_json::from_str(payload)?;
    if payload.trim_start().starts_with('{') { Ok(value) } else { Err(not_an_object()) }
}

fn not_an_object() -> serde_json::Error {
    serde::de::Error::custom("a payload must be an object")
}

/// One pure step from a version to the next.
type Upcaster = fn(Value) -> Value;

/// The upcasters by (event type, version they start from). Append only: stored events are never edited.
const UPCASTERS: &[(&str, u32, Upcaster)] = &[];

/// Brings a payload to the newest version, one step at a time.
pub(crate) fn upcast(event_type: &str, from: u32, newest: u32, payload: Value) -> Result<Value, DecodeError> {
    let unknown = || DecodeError::UnknownVersion { event_type: event_type.to_owned(), found: from, newest };
    if from == 0 || from > newest {
        return Err(unknown());
    }
    (from..newest).try_fold(payload, |payload, version| {
        let step = UPCASTERS.iter().find(|(name, start, _)| *name == event_type && *start == version);
        step.map(|(_, _, upcaster)| upcaster(payload)).ok_or_else(unknown)
    })
}

/// An event of any stream.
#[allow(clippy::large_enum_variant, reason = "read one at a time and folded at once; a box would cost every event")]
#[derive(Clone, Debug, PartialEq)]
pub enum AnyEvent {
    /// Of a `dataset` stream.
    Dataset(dataset::Event),
    /// Of an `experiment` stream.
    Experiment(experiment::Event),
    /// Of a `node` stream.
    Node(node::Event),
}

impl AnyEvent {
    /// Decodes an event of the named stream type.
    ///
    /// # Errors
    /// [`DecodeError`] when the stream type, event type or version is unknown or the payload has another shape.
    pub fn decode(
        stream_type: &str,
        event_type: &str,
        event_version: u32,
        payload: Value,
    ) -> Result<Self, DecodeError> {
        match stream_type {
            dataset::Event::STREAM_TYPE => {
                dataset::Event::decode(event_type, event_version, payload).map(Self::Dataset)
            }
            experiment::Event::STREAM_TYPE => {
                experiment::Event::decode(event_type, event_version, payload).map(Self::Experiment)
            }
            node::Event::STREAM_TYPE => node::Event::decode(event_type, event_version, payload).map(Self::Node),
            other => Err(DecodeError::UnknownType { stream_type: other.to_owned(), event_type: event_type.to_owned() }),
        }
    }

    /// As [`AnyEvent::decode`], from the stored text.
    ///
    /// # Errors
    /// As [`WireEvent::decode_text`].
    pub fn decode_text(
        stream_type: &str,
        event_type: &str,
        event_version: u32,
        payload: &str,
    ) -> Result<Self, DecodeError> {
        match stream_type {
            dataset::Event::STREAM_TYPE => {
                dataset::Event::decode_text(event_type, event_version, payload).map(Self::Dataset)
            }
            experiment::Event::STREAM_TYPE => {
                experiment::Event::decode_text(event_type, event_version, payload).map(Self::Experiment)
            }
            node::Event::STREAM_TYPE => node::Event::decode_text(event_type, event_version, payload).map(Self::Node),
            other => Err(DecodeError::UnknownType { stream_type: other.to_owned(), event_type: event_type.to_owned() }),
        }
    }

    /// The stream type and the event type.
    #[must_use]
    pub fn names(&self) -> (&'static str, &'static str) {
        match self {
            Self::Dataset(e) => (dataset::Event::STREAM_TYPE, e.event_type()),
            Self::Experiment(e) => (experiment::Event::STREAM_TYPE, e.event_type()),
            Self::Node(e) => (node::Event::STREAM_TYPE, e.event_type()),
        }
    }
}
