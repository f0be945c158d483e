//! The few messages of TensorFlow's `event.proto` and `summary.proto` that are written, in the wire format of Protocol
//! Buffers. Numbers of fields stand beside their names.

/// Bins of a histogram, as `TensorBoard`'s own writer has.
const BINS: usize = 30;

/// Values in equal bins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Histogram {
    min: f64,
    max: f64,
    count: f64,
    sum: f64,
    squares: f64,
    /// The upper end of each bin.
    limits: Vec<f64>,
    /// The values in each.
    counts: Vec<f64>,
}

impl Histogram {
    /// Of finite values; none without values.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let (min, max) = values
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), &value| (min.min(value), max.max(value)));
        // Divided first, because the span of the largest floats is infinite.
        let width = max / BINS as f64 - min / BINS as f64;
        let bins = if width > 0.0 { BINS } else { 1 };
        let mut counts = vec![0.0; bins];
        for value in values {
            let bin = if width > 0.0 { (value / width - min / width) as usize } else { 0 };
            counts[bin.min(bins - 1)] += 1.0;
        }
        let limits = (1..bins).map(|i| min + width * i as f64).chain([max]).collect();
        Some(Self {
            min,
            max,
            count: values.len() as f64,
            sum: values.iter().sum(),
            squares: values.iter().map(|value| value * value).sum(),
            limits,
            counts,
        })
    }

    /// `HistogramProto`: min = 1, max = 2, num = 3, sum = 4, `sum_squares` = 5, `bucket_limit` = 6, bucket = 7.
    fn message(&self) -> Message {
        Message::default()
            .double(1, self.min)
            .double(2, self.max)
            .double(3, self.count)
            .double(4, self.sum)
            .double(5, self.squares)
            .doubles(6, &self.limits)
            .doubles(7, &self.counts)
    }
}

/// The event that every file begins with; `file_version` = 3.
pub(super) fn version(time: f64) -> Vec<u8> {
    Message::default().double(1, time).bytes(3, b"brain.Event:2").0
}

/// `Summary.Value`: tag = 1, `simple_value` = 2.
pub(super) fn scalar(time: f64, step: u64, tag: &str, value: f64) -> Vec<u8> {
    event(time, step, &Message::default().bytes(1, tag.as_bytes()).float(2, value as f32))
}

/// `Summary.Value`: tag = 1, histo = 5.
pub(super) fn histogram(time: f64, step: u64, tag: &str, histogram: &Histogram) -> Vec<u8> {
    event(time, step, &Message::default().bytes(1, tag.as_bytes()).bytes(5, &histogram.message().0))
}

/// `Event`: `wall_time` = 1, step = 2, summary = 5. `Summary`: value = 1.
fn event(time: f64, step: u64, value: &Message) -> Vec<u8> {
    let summary = Message::default().bytes(1, &value.0);
    Message::default().double(1, time).integer(2, step).bytes(5, &summary.0).0
}

/// A message that is being written, field by field.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    /// A field that is written as a varint.
    fn integer(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    fn double(mut self, field: u64, value: f64) -> Self {
        self.varint(field << 3 | 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn float(mut self, field: u64, value: f32) -> Self {
        self.varint(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Text, or a message in this one.
    fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    /// Packed.
    fn doubles(self, field: u64, values: &[f64]) -> Self {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.bytes(field, &bytes)
    }

    /// Seven bits a byte, the lowest first; the top bit says that more follow.
    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::{Histogram, Message};

    #[test]
    fn messages_are_those_of_the_specification() {
        // The examples of protobuf.dev/programming-guides/encoding.
        assert_eq!(Message::default().integer(1, 150).0, [0x08, 0x96, 0x01]);
        assert_eq!(Message::default().bytes(2, b"testing").0, b"\x12\x07testing");
        assert_eq!(Message::default().float(2, 1.0).0, [0x15, 0, 0, 0x80, 0x3f]);
    }

    #[test]
    fn every_value_is_in_one_bin() {
        let values: Vec<f64> = (0..500).map(|i| (f64::from(i) * 0.37).sin()).collect();
        let histogram = Histogram::of(&values).unwrap();
        assert_eq!(histogram.counts.iter().sum::<f64>(), 500.0);
        assert_eq!(histogram.limits.len(), 30);
        assert!(histogram.limits.is_sorted() && histogram.limits[29] == histogram.max);
        assert_eq!(Histogram::of(&[2.0, 2.0]).unwrap().counts, [2.0]);
        let extreme = Histogram::of(&[-f64::MAX, f64::MAX]).unwrap();
        assert_eq!(extreme.counts.iter().sum::<f64>(), 2.0);
        assert_eq!(Histogram::of(&[]), None);
    }
}
