//! Words of `expect.yaml`: one value or a list of them, and values that must be of the contract's vocabulary.
//!
//! They are read by hand-written visitors, because those keep the line of an error, which untagged enums lose.

use crate::causes::{CAUSES, by_code};
use crate::ledger::Kind;
use crate::nearest::hint;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// The verdicts of the contract.
pub const VERDICTS: [&str; 4] = ["leak", "exhaustion", "healthy", "inconclusive"];
/// The classes of findings.
pub const CLASSES: [&str; 3] = ["leak", "exhaustion", "note"];

/// One value, or a list of acceptable ones; empty where the key is absent.
#[derive(Clone, Debug, PartialEq)]
pub struct Many<T>(pub Vec<T>);

/// Text or a number, as written.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// A number.
    Number(i64),
    /// Text.
    Text(String),
}

/// A verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct VerdictWord(pub String);
/// A class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassWord(pub String);
/// The code of a cause or look-alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Code(pub String);
/// The code of a look-alike.
#[derive(Clone, Debug, PartialEq)]
pub struct LookAlike(pub String);
/// A kind of socket.
#[derive(Clone, Debug, PartialEq)]
pub struct KindWord(pub String);
/// A code or a kind.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeOrKind(pub String);
/// A tolerance: `2%`, or the bare number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Percent(pub f64);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Many(Vec::new())
    }
}

impl<T> Many<T> {
    /// Whether the key is absent.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }
}

impl<T: fmt::Display> fmt::Display for Many<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(T::to_string).collect();
        f.write_str(&words.join(" or "))
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Word::Number(n) => write!(f, "{n}"),
            Word::Text(t) => f.write_str(t),
        }
    }
}

struct ManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ManyVisitor<T> {
    type Value = Many<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a list of values")
    }

    fn visit_bool<E: Error>(self, v: bool) -> Result<Many<T>, E> {
        Ok(Many(vec![T::deserialize(v.into_deserializer())?]))
    }

    fn visit_i64<E: Error>(self, v: i64) -> Result<Many<T>, E> {
        Ok(Many(vec![T::deserialize(v.into_deserializer())?]))
    }

    fn visit_u64<E: Error>(self, v: u64) -> Result<Many<T>, E> {
        Ok(Many(vec![T::deserialize(v.into_deserializer())?]))
    }

    fn visit_f64<E: Error>(self, v: f64) -> Result<Many<T>, E> {
        Ok(Many(vec![T::deserialize(v.into_deserializer())?]))
    }

    fn visit_str<E: Error>(self, v: &str) -> Result<Many<T>, E> {
        Ok(Many(vec![T::deserialize(v.into_deserializer())?]))
    }

    fn visit_unit<E: Error>(self) -> Result<Many<T>, E> {
        Ok(Many::default())
    }

    fn visit_none<E: Error>(self) -> Result<Many<T>, E> {
        Ok(Many::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Many<T>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Many)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Many<T>, A::Error> {
        Ok(Many(vec![T::deserialize(MapAccessDeserializer::new(map))?]))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(ManyVisitor(PhantomData))
    }
}

struct WordVisitor;

impl Visitor<'_> for WordVisitor {
    type Value = Word;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a number")
    }

    fn visit_i64<E: Error>(self, v: i64) -> Result<Word, E> {
        Ok(Word::Number(v))
    }

    fn visit_u64<E: Error>(self, v: u64) -> Result<Word, E> {
        Ok(i64::try_from(v).map_or_else(|_| Word::Text(v.to_string()), Word::Number))
    }

    fn visit_f64<E: Error>(self, v: f64) -> Result<Word, E> {
        Ok(Word::Text(v.to_string()))
    }

    fn visit_bool<E: Error>(self, v: bool) -> Result<Word, E> {
        Ok(Word::Text(v.to_string()))
    }

    fn visit_str<E: Error>(self, v: &str) -> Result<Word, E> {
        Ok(Word::Text(v.to_string()))
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(WordVisitor)
    }
}

/// Reads a scalar and makes something of its text. The error is made inside the visitor, where the reader still knows the line.
struct Scalar<F>(F);

impl<'de, T, F: FnOnce(String) -> Result<T, String>> Visitor<'de> for Scalar<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word")
    }

    fn visit_i64<E: Error>(self, v: i64) -> Result<T, E> {
        self.0(v.to_string()).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, v: u64) -> Result<T, E> {
        self.0(v.to_string()).map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, v: f64) -> Result<T, E> {
        self.0(v.to_string()).map_err(E::custom)
    }

    fn visit_bool<E: Error>(self, v: bool) -> Result<T, E> {
        self.0(v.to_string()).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, v: &str) -> Result<T, E> {
        self.0(v.to_string()).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(Scalar(|text: String| {
            let number = text.trim_end_matches(['%', ' ']).trim().parse::<f64>();
            number.map(Percent).map_err(|_| format!("`{text}` is no tolerance; write 2% or 0%"))
        }))
    }
}

/// The word, if it is one of a vocabulary; else which it may have meant.
fn one_of(word: String, what: &str, known: &[&str]) -> Result<String, String> {
    if known.contains(&word.as_str()) {
        return Ok(word);
    }
    Err(format!("`{word}` is no {what}{}", hint(&word, known.iter().copied())))
}

macro_rules! vocabulary {
    ($name:ident, $what:literal, $known:expr) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let known: Vec<&str> = $known.collect();
                d.deserialize_any(Scalar(|word: String| one_of(word, $what, &known).map($name)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

vocabulary!(VerdictWord, "verdict", VERDICTS.into_iter());
vocabulary!(ClassWord, "class", CLASSES.into_iter());
vocabulary!(Code, "cause or look-alike", CAUSES.iter().map(|c| c.code()));
vocabulary!(LookAlike, "look-alike", CAUSES.iter().map(|c| c.code()).filter(|c| by_code(c).is_some_and(|c| !c.is_leak())));
vocabulary!(KindWord, "socket kind", Kind::ALL.into_iter().map(Kind::word));
vocabulary!(CodeOrKind, "code or socket kind", CAUSES.iter().map(|c| c.code()).chain(Kind::ALL.into_iter().map(Kind::word)));
