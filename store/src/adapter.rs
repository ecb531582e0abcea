//! Where cqrs-es meets the domain, and the only place where it does.

use atsre_domain::Decider;
use atsre_domain::event::WireEvent;
use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A pure aggregate of the domain as an aggregate of cqrs-es: `handle` decides and writes what was decided, and
/// there are no services, so nothing can be done inside a decision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Adapted<D>(pub D);

impl<D: Decider<Event: WireEvent>> Aggregate for Adapted<D> {
    const TYPE: &'static str = D::TYPE;
    type Command = D::Command;
    type Event = Recordable<D::Event>;
    type Error = D::Error;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        _services: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        for event in self.0.decide(command)? {
            sink.write(Recordable(event), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        self.0.evolve(&event.0);
    }
}

/// cqrs-es asks for this of every aggregate, for its snapshot modes, which apply events twice and are not used.
impl<D> Serialize for Adapted<D> {
    fn serialize<S: Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("an aggregate is not stored: fold its events"))
    }
}

impl<'de, D> Deserialize<'de> for Adapted<D> {
    fn deserialize<S: Deserializer<'de>>(_deserializer: S) -> Result<Self, S::Error> {
        Err(serde::de::Error::custom("an aggregate is not stored: fold its events"))
    }
}

/// An event of the domain as an event of cqrs-es. Its serde form carries type and version beside the payload,
/// because the payload alone does not say what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Recordable<E>(pub E);

/// The serde form of [`Recordable`].
#[derive(Serialize, Deserialize)]
pub(crate) struct Form {
    pub(crate) event_type: String,
    pub(crate) event_version: u32,
    pub(crate) payload: Value,
}

impl<E: WireEvent + Clone + PartialEq + std::fmt::Debug + Send + Sync> DomainEvent for Recordable<E> {
    fn event_type(&self) -> String {
        self.0.event_type().to_owned()
    }

    fn event_version(&self) -> String {
        self.0.event_version().to_string()
    }
}

impl<E: WireEvent> Serialize for Recordable<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let encoded = self.0.encode();
        Form {
            event_type: encoded.event_type.to_owned(),
            event_version: encoded.event_version,
            payload: encoded.payload,
        }
        .serialize(serializer)
    }
}

impl<'de, E: WireEvent> Deserialize<'de> for Recordable<E> {
    fn deserialize<S: Deserializer<'de>>(deserializer: S) -> Result<Self, S::Error> {
        let form = Form::deserialize(deserializer)?;
        E::decode(&form.event_type, form.event_version, form.payload).map(Self).map_err(serde::de::Error::custom)
    }
}
