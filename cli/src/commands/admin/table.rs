//! Answers as lines for reading.

use serde_json::Value;

/// Prints the rows of a list, these fields of each, under their names.
pub(super) fn print(rows: &Value, fields: &[&str]) {
    let rows: Vec<Vec<String>> = rows.as_array().into_iter().flatten().map(|row| cells(row, fields)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).chain([fields[column].len()]).max();
    let widths: Vec<usize> = (0..fields.len()).map(|column| width(column).unwrap_or_default()).collect();
    let line = |cells: &[String]| {
        let padded: Vec<_> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("{}", padded.join("  ").trim_end());
    };
    line(&fields.iter().map(|field| field.to_uppercase().replace('_', " ")).collect::<Vec<_>>());
    for row in &rows {
        line(row);
    }
}

fn cells(row: &Value, fields: &[&str]) -> Vec<String> {
    fields.iter().map(|field| shown(&row[*field])).collect()
}

/// A value in one cell.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(values) if values.is_empty() => "-".to_owned(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(" "),
        Value::Object(fields) => match (fields.get("repositories"), fields.get("role"), fields.get("actions")) {
            (Some(repositories), Some(role), _) => format!("{}:{}", shown(role), shown(repositories)),
            (Some(repositories), None, Some(Value::Array(actions))) => {
                let actions: Vec<_> = actions.iter().map(shown).collect();
                format!("{}={}", shown(repositories), actions.join(","))
            }
            _ => value.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn grants_and_limits_are_shown_as_they_are_given() {
        assert_eq!(shown(&json!([{ "repositories": "a/**", "role": "writer" }])), "writer:a/**");
        assert_eq!(shown(&json!([{ "repositories": "a", "actions": ["pull", "push"] }])), "a=pull,push");
        assert_eq!(shown(&json!([])), "-");
        assert_eq!(shown(&json!(true)), "yes");
    }
}
