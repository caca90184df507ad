//! Bars, drawn here: no script is needed to see them, and a table says the same in words.

use super::words;
use crate::store::SPANS;

/// Width and height of the drawing, in its own units.
const WIDTH: i64 = 720;
const HEIGHT: i64 = 150;

/// A picture of bars.
pub(super) struct Chart {
    pub(super) title: String,
    /// The sum, or what else is worth saying first.
    pub(super) total: String,
    pub(super) bars: Vec<Bar>,
    /// The value of the highest line.
    pub(super) top: String,
    pub(super) width: i64,
    pub(super) height: i64,
}

/// One bar.
pub(super) struct Bar {
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) width: i64,
    pub(super) height: i64,
    pub(super) label: String,
    pub(super) shown: String,
}

impl Chart {
    /// A bar for each value; `shown` writes one as people read it.
    pub(super) fn of(
        title: &str,
        total: String,
        values: Vec<(String, i64)>,
        shown: impl Fn(i64) -> String,
    ) -> Self {
        let most = values.iter().map(|(_, value)| *value).max().unwrap_or(0).max(1);
        let count = i64::try_from(values.len()).unwrap_or(1).max(1);
        let step = WIDTH / count;
        let bars = (0..).zip(values).map(|(at, (label, value))| {
            // A day with something on it shows, however little it is.
            let least = i64::from(value > 0) * 2;
            let height = (i128::from(value.max(0)) * i128::from(HEIGHT) / i128::from(most)) as i64;
            let height = height.max(least);
            Bar {
                x: at * step + step / 8,
                y: HEIGHT - height,
                width: (step - step / 4).max(1),
                height,
                label,
                shown: shown(value),
            }
        });
        Self {
            title: title.to_owned(),
            total,
            bars: bars.collect(),
            top: shown(most),
            width: step * count,
            height: HEIGHT,
        }
    }

    pub(super) fn first(&self) -> &str {
        self.bars.first().map_or("", |bar| bar.label.as_str())
    }

    pub(super) fn last(&self) -> &str {
        self.bars.last().map_or("", |bar| bar.label.as_str())
    }
}

/// How long orders took, as bars of a hundred.
pub(super) struct Steps {
    pub(super) steps: Vec<Step>,
    pub(super) orders: i64,
}

pub(super) struct Step {
    pub(super) label: String,
    pub(super) orders: i64,
    /// Of a hundred.
    pub(super) percent: i64,
}

impl Steps {
    pub(super) fn of(counts: &[i64]) -> Self {
        let orders: i64 = counts.iter().sum();
        let most = counts.iter().copied().max().unwrap_or(0).max(1);
        let ends = SPANS.iter().map(|end| format!("under {}", words::span(*end)));
        let labels = ends.chain([format!("over {}", words::span(SPANS[SPANS.len() - 1]))]);
        let steps = labels.zip(counts).map(|(label, orders)| Step {
            label,
            orders: *orders,
            percent: orders * 100 / most,
        });
        Self { steps: steps.collect(), orders }
    }
}

#[cfg(test)]
mod tests {
    use super::{Chart, Steps};

    #[test]
    fn bars_stand_within_the_drawing_and_little_still_shows() {
        let values = vec![("a".to_owned(), 0), ("b".to_owned(), 1), ("c".to_owned(), i64::MAX)];
        let chart = Chart::of("t", String::new(), values, |n| n.to_string());
        let heights: Vec<i64> = chart.bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [0, 2, 150]);
        assert!(chart.bars.iter().all(|bar| bar.y >= 0 && bar.x + bar.width <= chart.width));
        assert_eq!((chart.first(), chart.last()), ("a", "c"));
        let none = Chart::of("t", String::new(), Vec::new(), |n| n.to_string());
        assert_eq!((none.bars.len(), none.first()), (0, ""));
    }

    #[test]
    fn spans_are_named_by_their_ends() {
        let steps = Steps::of(&[10, 5, 0, 0, 0, 0, 1]);
        assert_eq!(steps.orders, 16);
        let said: Vec<(&str, i64)> =
            steps.steps.iter().map(|step| (step.label.as_str(), step.percent)).collect();
        assert_eq!(said[0], ("under 1 s", 100));
        assert_eq!(said[1], ("under 10 s", 50));
        assert_eq!(said[6], ("over 7 d", 10));
    }
}
