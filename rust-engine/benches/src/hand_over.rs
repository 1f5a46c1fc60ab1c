use crate::sets::csv;
use serde_json::json;
use series::Asked;
use std::fs;
use std::path::Path;

/// What a row asked, for peers that are asked the same of the same samples.
pub struct HandedOver<'a> {
    pub key: &'static str,
    pub times: &'a [i64],
    pub series: &'a [Vec<f64>],
    pub question: Question,
    pub asked: Asked,
    pub answer: &'a [f64],
}

pub enum Question {
    /// The average of each step of the first series.
    AverageOfFirst,
    /// The sum of all series at each step.
    SumOfAll,
}

impl HandedOver<'_> {
    /// Writes `<key>.csv` with the samples and `<key>.json` with the question and our answer.
    pub fn write(&self, folder: &Path) {
        let question = match self.question {
            Question::AverageOfFirst => "averageOfFirst",
            Question::SumOfAll => "sumOfAll",
        };
        let Asked { from, to, step, .. } = self.asked;
        let asked = json!({ "question": question, "from": from, "to": to, "step": step, "answer": self.answer });
        let file = |ending: &str| folder.join(format!("{}.{ending}", self.key));
        fs::write(file("csv"), csv(self.times, self.series)).expect("room on the disk");
        fs::write(file("json"), asked.to_string()).expect("room on the disk");
    }
}
