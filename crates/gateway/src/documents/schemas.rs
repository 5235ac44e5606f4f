//! JSON Schemas of all that travels, each type once.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

/// Where a document keeps its schemas.
const COMPONENTS: &str = "/components/schemas";

/// Collects the schemas of requests, as they are read, and of answers, as they are written: a field
/// that may be left out when it is read is always there when it is written.
pub(crate) struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Schemas {
    pub(crate) fn new() -> Self {
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
    pub(crate) fn read<T: JsonSchema>(&mut self) -> Value {
        self.read.subschema_for::<T>().to_value()
    }

    /// The schema of what is read, in full; what it consists of is referred to.
    pub(crate) fn read_inline<T: JsonSchema>(&mut self) -> Value {
        in_full(T::json_schema(&mut self.read))
    }

    /// A reference to the schema of what is written.
    pub(crate) fn written<T: JsonSchema>(&mut self) -> Value {
        self.written.subschema_for::<T>().to_value()
    }

    /// The schema of what is written, in full; what it consists of is referred to.
    pub(crate) fn written_inline<T: JsonSchema>(&mut self) -> Value {
        let mut schema = in_full(T::json_schema(&mut self.written));
        without_absent_nulls(&mut schema);
        schema
    }

    /// Every schema that was referred to, by name.
    ///
    /// # Panics
    /// If a type is read in one shape and written in another: it must be two types.
    pub(crate) fn into_components(mut self) -> Map<String, Value> {
        let mut components = self.read.take_definitions(true);
        for (name, mut written) in self.written.take_definitions(true) {
            without_absent_nulls(&mut written);
            if let Some(read) = components.get(&name) {
                assert_eq!(*read, written, "{name} is read in another shape than it is written");
            }
            components.insert(name, written);
        }
        for schema in components.values_mut() {
            plain_descriptions(schema);
        }
        components
    }
}

fn in_full(schema: Schema) -> Value {
    let mut schema = schema.to_value();
    plain_descriptions(&mut schema);
    schema
}

/// A reference to a named schema.
pub(crate) fn reference(name: &str) -> Value {
    serde_json::json!({ "$ref": format!("#{COMPONENTS}/{name}") })
}

/// The name of the schema that is referred to.
pub(crate) fn referred(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

/// A field that is left out when it is nothing is never written as null.
fn without_absent_nulls(schema: &mut Value) {
    let Value::Object(fields) = schema else {
        if let Value::Array(items) = schema {
            items.iter_mut().for_each(without_absent_nulls);
        }
        return;
    };
    let required: Vec<_> =
        fields.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        for (_, property) in
            properties.iter_mut().filter(|(name, _)| !required.iter().any(|r| r == *name))
        {
            *property = without_null(property);
        }
    }
    fields.values_mut().for_each(without_absent_nulls);
}

/// The schema without the choice of being null.
pub(crate) fn without_null(schema: &Value) -> Value {
    let mut schema = schema.clone();
    let Some(fields) = schema.as_object_mut() else { return schema };
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            fields.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(mut choices)) = fields.remove("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        match choices.pop() {
            Some(Value::Object(only)) if choices.is_empty() => fields.extend(only),
            last => {
                choices.extend(last);
                fields.insert("anyOf".to_owned(), choices.into());
            }
        }
    }
    schema
}

/// Descriptions are the source's comments; their links to other items lead nowhere outside of it.
fn plain_descriptions(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(plain_descriptions),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "description" => *text = without_links(text),
                    _ => plain_descriptions(value),
                }
            }
        }
        _ => {}
    }
}

/// `` [`Epoch`] `` and `` [`X`](crate::X) `` become `` `Epoch` `` and `` `X` ``, on one line a paragraph.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("[`") {
        plain.push_str(before);
        let Some((name, after)) = link.split_once("`]") else {
            plain.push_str("[`");
            rest = link;
            continue;
        };
        plain.push('`');
        plain.push_str(name);
        plain.push('`');
        rest = match after.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    plain.push_str(rest);
    let paragraphs = plain.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::Serialize;
    use serde_json::json;

    use super::*;

    /// Something that is written.
    #[derive(Serialize, JsonSchema)]
    struct Written {
        /// Always there, sometimes null.
        nullable: Option<u8>,
        /// There or not.
        #[serde(skip_serializing_if = "Option::is_none")]
        absent: Option<u8>,
    }

    #[test]
    fn what_is_left_out_is_never_null_and_what_is_null_is_there() {
        let schema = Schemas::new().written_inline::<Written>();
        assert_eq!(schema["required"], json!(["nullable"]));
        assert_eq!(schema["properties"]["nullable"]["type"], json!(["integer", "null"]));
        assert_eq!(schema["properties"]["absent"]["type"], "integer");
    }

    #[test]
    fn links_between_items_become_their_names() {
        assert_eq!(without_links("In an [`Epoch`]."), "In an `Epoch`.");
        assert_eq!(without_links("[`A`](crate::A)\nand `b` (c)"), "`A` and `b` (c)");
        assert_eq!(without_links("<https://a.example> [`x"), "<https://a.example> [`x");
    }
}
