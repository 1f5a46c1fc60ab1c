use serde_json::{Map, Value, json};

/// A line of the table.
pub struct Row {
    pub key: &'static str,
    pub unit: &'static str,
    pub goal: Option<f64>,
    pub ours: f64,
    /// The same through the Gorilla crate.
    pub peer: Option<f64>,
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        self.peer.map(|peer| self.ours / peer)
    }
}

pub fn print_table(rows: &[Row]) {
    let shown = |figure: Option<f64>| figure.map_or_else(|| "–".to_owned(), |figure| format!("{figure:.2}"));
    println!("| what | unit | goal | ours | Gorilla crate | ours / peer |\n|---|---|---|---|---|---|");
    for row in rows {
        let (goal, peer, ratio) = (shown(row.goal), shown(row.peer), shown(row.ratio()));
        println!("| {} | {} | {goal} | {:.2} | {peer} | {ratio} |", row.key, row.unit, row.ours);
    }
}

pub fn print_json(rows: &[Row]) {
    let object: Map<String, Value> = rows.iter().map(|row| (row.key.to_owned(), described(row))).collect();
    println!("{}", Value::Object(object));
}

fn described(row: &Row) -> Value {
    json!({ "unit": row.unit, "goal": row.goal, "ours": row.ours, "peer": row.peer, "ratio": row.ratio() })
}
