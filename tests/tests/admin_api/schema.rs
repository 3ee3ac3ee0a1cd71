//! Whether an answer is what the `OpenAPI` document says.

use harness::client::Answer;
use http::Method;
use serde_json::{Map, Value};
use shared::http::admin::AdminRoute;

pub(crate) struct Document(Value);

impl Document {
    pub(crate) fn of(document: &impl serde::Serialize) -> Self {
        Self(serde_json::to_value(document).expect("JSON"))
    }

    /// Panics unless the document tells of this status, and of such a body.
    pub(crate) fn check(&self, route: &AdminRoute, method: &Method, answer: &Answer) {
        let status = answer.status.as_u16().to_string();
        let operation = &self.0["paths"][route.template()][method.as_str().to_ascii_lowercase()];
        let response = &operation["responses"][&status];
        assert!(response.is_object(), "{method} {} answers {status}: {answer:?}", route.template());
        let schema = &response["content"]["application/json"]["schema"];
        if schema.is_null() {
            assert!(answer.body.is_empty(), "{answer:?}");
        } else {
            self.fits(schema, &answer.json(), &format!("{method} {} {status}", route.template()));
        }
    }

    fn fits(&self, schema: &Value, value: &Value, at: &str) {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or_default();
            return self.fits(&self.0["components"]["schemas"][name], value, at);
        }
        match schema["type"].as_str().unwrap_or_default() {
            "object" => self.fits_object(schema, value.as_object().unwrap_or_else(|| panic!("{at}: {value}")), at),
            "array" => {
                let items = value.as_array().unwrap_or_else(|| panic!("{at}: {value}"));
                for item in items {
                    self.fits(&schema["items"], item, at);
                }
            }
            "string" => {
                let among = schema["enum"].as_array().is_none_or(|values| values.contains(value));
                assert!(value.is_string() && among, "{at}: {value}");
            }
            "boolean" => assert!(value.is_boolean(), "{at}: {value}"),
            "integer" => assert!(value.is_u64(), "{at}: {value}"),
            other => panic!("{at}: nothing is known of the type {other:?} of {schema}"),
        }
    }

    fn fits_object(&self, schema: &Value, object: &Map<String, Value>, at: &str) {
        let Some(properties) = schema["properties"].as_object() else {
            let each = &schema["additionalProperties"];
            return object.values().filter(|_| each.is_object()).for_each(|value| self.fits(each, value, at));
        };
        for (name, value) in object {
            let property = properties.get(name).unwrap_or_else(|| panic!("{at}: {name} is not documented"));
            self.fits(property, value, &format!("{at} {name}"));
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            assert!(object.contains_key(name), "{at}: {name} is missing");
        }
    }
}
