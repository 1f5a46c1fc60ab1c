use serde_json::{Value, json};

/// A line of the table.
pub struct Row {
    pub key: &'static str,
    pub unit: &'static str,
    pub goal: Option<f64>,
    pub ours: f64,
    /// The same through the Gorilla crate.
    pub peer: Option<f64>,
}

/// One array, in the order of the table.
pub fn print(rows: &[Row]) {
    println!("{}", rows.iter().map(described).collect::<Value>());
}

fn described(row: &Row) -> Value {
    json!({ "key": row.key, "unit": row.unit, "goal": row.goal, "ours": row.ours, "gorilla": row.peer })
}
