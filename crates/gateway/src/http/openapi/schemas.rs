//! JSON Schemas of all that travels, each type once.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

/// Where the document keeps its schemas.
const COMPONENTS: &str = "/components/schemas";

/// Collects the schemas of requests, as they are read, and of answers, as they are written: a field
/// that may be left out when it is read is always there when it is written.
pub(in crate::http) struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = COMPONENTS.into();
                settings.meta_schema = None;
            })
        };
        Self {
            read: settings().for_deserialize().into_generator(),
            written: settings().for_serialize().into_generator(),
        }
    }

    /// A reference to the schema of what is read.
    pub(in crate::http) fn read<T: JsonSchema>(&mut self) -> Value {
        self.read.subschema_for::<T>().to_value()
    }

    /// The schema of what is read, in full; what it consists of is referred to.
    pub(in crate::http) fn read_inline<T: JsonSchema>(&mut self) -> Schema {
        T::json_schema(&mut self.read)
    }

    /// A reference to the schema of what is written.
    pub(in crate::http) fn written<T: JsonSchema>(&mut self) -> Value {
        self.written.subschema_for::<T>().to_value()
    }

    /// Every schema that was referred to, by name.
    ///
    /// # Panics
    /// If a type is read in one shape and written in another: it must be two types.
    pub(super) fn into_components(mut self) -> Map<String, Value> {
        let mut components = self.read.take_definitions(true);
        for (name, written) in self.written.take_definitions(true) {
            if let Some(read) = components.get(&name) {
                assert_eq!(*read, written, "{name} is read in another shape than it is written");
            }
            components.insert(name, written);
        }
        components.sort_keys();
        components
    }
}
