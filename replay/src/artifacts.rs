//! Which artifacts an event names.

use std::collections::BTreeMap;
use std::fmt;

use atsre_domain::{Digest, Position, StreamId};
use atsre_store::{Error, StoredEvent};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Where an artifact is first named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// The event.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its type.
    pub event_type: String,
    /// The artifact's length, where the event says it.
    pub length_bytes: Option<u64>,
}

/// The artifacts that events name.
pub type Named = BTreeMap<Digest, Naming>;

/// Collects the artifacts that an event's payload names: objects with a digest and a length, and the digests of panels.
/// Nothing is kept of the payload but what is looked for, so that it costs no tree of values.
///
/// # Errors
/// [`Error::Corrupt`] when the payload is not JSON.
pub fn collect(event: &StoredEvent, named: &mut Named) -> Result<(), Error> {
    let mut payload = serde_json::Deserializer::from_str(&event.payload);
    let read = Finder { event, named, keep_text: false }.deserialize(&mut payload).and_then(|_| payload.end());
    read.map_err(|error| Error::Corrupt {
        what: format!("event {}", event.position),
        detail: format!("its payload is not JSON: {error}"),
    })
}

/// Goes through one value.
struct Finder<'a> {
    event: &'a StoredEvent,
    named: &'a mut Named,
    /// Whether it is a field whose text is wanted.
    keep_text: bool,
}

/// What a value was, as far as it is wanted.
enum Found {
    Text(String),
    Whole(u64),
    Other,
}

/// The fields that are looked for.
enum Field {
    Digest,
    Length,
    Panel,
    Other,
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Field;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a field's name")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Field, E> {
                Ok(match name {
                    "digest" => Field::Digest,
                    "length_bytes" => Field::Length,
                    "panel_digest" => Field::Panel,
                    _ => Field::Other,
                })
            }
        }
        deserializer.deserialize_str(Name)
    }
}

impl<'de> DeserializeSeed<'de> for Finder<'_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Finder<'_> {
    type Value = Found;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Found, A::Error> {
        let (mut digest, mut length) = (None, None);
        while let Some(field) = fields.next_key::<Field>()? {
            let keep_text = matches!(field, Field::Digest | Field::Panel);
            let found = fields.next_value_seed(Finder { event: self.event, named: &mut *self.named, keep_text })?;
            match (field, found) {
                (Field::Digest, Found::Text(text)) => digest = Some(text),
                (Field::Length, Found::Whole(whole)) => length = Some(whole),
                (Field::Panel, Found::Text(text)) => note(self.event, text, None, self.named),
                _ => {}
            }
        }
        if let (Some(digest), Some(_)) = (digest, length) {
            note(self.event, digest, length, self.named);
        }
        Ok(Found::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Found, A::Error> {
        let Finder { event, named, .. } = self;
        while values.next_element_seed(Finder { event, named: &mut *named, keep_text: false })?.is_some() {}
        Ok(Found::Other)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Found, E> {
        Ok(if self.keep_text { Found::Text(text.to_owned()) } else { Found::Other })
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Found, E> {
        Ok(Found::Whole(value))
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Found, E> {
        Ok(Found::Other)
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Found, E> {
        Ok(Found::Other)
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Found, E> {
        Ok(Found::Other)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Found, E> {
        Ok(Found::Other)
    }
}

/// Notes an artifact where it is first named; of two namings by one event, the one that says the length counts.
fn note(event: &StoredEvent, digest: String, length_bytes: Option<u64>, named: &mut Named) {
    let naming = named.entry(Digest(digest)).or_insert_with(|| Naming {
        position: event.position,
        stream: event.stream.clone(),
        event_type: event.event_type.clone(),
        length_bytes,
    });
    if naming.position == event.position && naming.length_bytes.is_none() {
        naming.length_bytes = length_bytes;
    }
}
