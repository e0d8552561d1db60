//! Types of expressions, and what may stand for what.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::declared::Declared;

#[derive(Debug, Clone)]
pub(super) enum Type {
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    Null,
    Duration,
    Timestamp,
    /// Whatever it is when the expression runs.
    Dyn,
    /// Something was wrong already.
    Error,
    /// A type as a value.
    Kind,
    List(Arc<Type>),
    Map(Arc<Type>, Arc<Type>),
    Optional(Arc<Type>),
    /// One of Kubernetes' own, by its name.
    Opaque(&'static str),
    Object(Arc<Declared>),
    /// What expressions of policies are given or make, beside objects.
    Message(Arc<Message>),
    /// Of a signature: any type, the same wherever it has this name.
    Param(char),
    /// A type that is still to be found.
    Var(usize),
}

/// A type with fields that no schema declares.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) name: String,
    pub(super) fields: Fields,
}

#[derive(Debug)]
pub(super) enum Fields {
    Known(Vec<(&'static str, Type)>),
    /// Those that were named while it was read.
    Named(Vec<(String, Type)>),
    /// Any, of any type.
    Any,
}

impl Message {
    pub(super) fn field(&self, name: &str) -> Option<Type> {
        match &self.fields {
            Fields::Known(fields) => fields.iter().find(|(known, _)| *known == name).map(|(_, of)| of.clone()),
            Fields::Named(fields) => fields.iter().find(|(known, _)| known == name).map(|(_, of)| of.clone()),
            Fields::Any => Some(Type::Dyn),
        }
    }
}

impl Type {
    pub(super) fn message(name: &str, fields: Vec<(&'static str, Self)>) -> Self {
        Self::Message(Arc::new(Message { name: name.to_string(), fields: Fields::Known(fields) }))
    }

    pub(super) fn list(of: Self) -> Self {
        Self::List(Arc::new(of))
    }

    pub(super) fn map(key: Self, value: Self) -> Self {
        Self::Map(Arc::new(key), Arc::new(value))
    }

    pub(super) fn optional(of: Self) -> Self {
        Self::Optional(Arc::new(of))
    }

    pub(super) fn is_dyn_or_error(&self) -> bool {
        matches!(self, Self::Dyn | Self::Error)
    }

    /// Of a size that is always one.
    pub(super) fn is_scalar(&self) -> bool {
        match self {
            Self::Bool | Self::Int | Self::Uint | Self::Double | Self::Duration | Self::Timestamp => true,
            Self::Optional(of) => of.is_scalar(),
            _ => false,
        }
    }

    /// Whether `null` may stand for it.
    fn takes_null(&self) -> bool {
        matches!(self, Self::Object(_) | Self::Message(_) | Self::Duration | Self::Timestamp | Self::Opaque(_))
    }

    /// The same kind of type, whatever it is made of.
    fn alike(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Opaque(a), Self::Opaque(b)) => a == b,
            (Self::Object(a), Self::Object(b)) => Arc::ptr_eq(a, b) || a.name == b.name,
            (Self::Message(a), Self::Message(b)) => a.name == b.name,
            (Self::Param(a), Self::Param(b)) => a == b,
            (Self::Var(a), Self::Var(b)) => a == b,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    fn parts(&self) -> [Option<&Self>; 2] {
        match self {
            Self::List(of) | Self::Optional(of) => [Some(of), None],
            Self::Map(key, value) => [Some(key), Some(value)],
            _ => [None, None],
        }
    }

    pub(super) fn is_exactly(&self, other: &Self) -> bool {
        self.alike(other)
            && self.parts().into_iter().zip(other.parts()).all(|pair| match pair {
                (Some(a), Some(b)) => a.is_exactly(b),
                _ => true,
            })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Uint => f.write_str("uint"),
            Self::Double => f.write_str("double"),
            Self::Text => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::Null => f.write_str("null"),
            Self::Duration => f.write_str("duration"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Dyn => f.write_str("dyn"),
            Self::Error => f.write_str("!error!"),
            Self::Kind => f.write_str("type"),
            Self::List(of) => write!(f, "list({of})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Optional(of) => write!(f, "optional_type({of})"),
            Self::Opaque(name) => f.write_str(name),
            Self::Object(declared) => f.write_str(&declared.name),
            Self::Message(message) => f.write_str(&message.name),
            Self::Param(name) => write!(f, "{name}"),
            Self::Var(number) => write!(f, "_var{number}"),
        }
    }
}

/// What is known of the types that are still to be found.
#[derive(Debug, Default)]
pub(super) struct Mappings {
    found: HashMap<usize, Type>,
    next: usize,
}

impl Mappings {
    pub(super) fn fresh(&mut self) -> Type {
        self.next += 1;
        Type::Var(self.next - 1)
    }

    /// A signature's types with fresh ones for its parameters.
    pub(super) fn instance(&mut self, types: &[&Type]) -> Vec<Type> {
        let mut params = HashMap::new();
        types.iter().map(|of| self.with_params(of, &mut params)).collect()
    }

    fn with_params(&mut self, of: &Type, params: &mut HashMap<char, Type>) -> Type {
        match of {
            Type::Param(name) => params.entry(*name).or_insert_with(|| self.fresh()).clone(),
            Type::List(of) => Type::list(self.with_params(of, params)),
            Type::Optional(of) => Type::optional(self.with_params(of, params)),
            Type::Map(key, value) => {
                let key = self.with_params(key, params);
                Type::map(key, self.with_params(value, params))
            }
            other => other.clone(),
        }
    }

    /// The type with what was found; what was not is `dyn` at the `end`.
    pub(super) fn substitute(&self, of: &Type, end: bool) -> Type {
        match of {
            Type::Var(number) => match self.found.get(number) {
                Some(found) => self.substitute(found, end),
                None if end => Type::Dyn,
                None => of.clone(),
            },
            Type::List(of) => Type::list(self.substitute(of, end)),
            Type::Optional(of) => Type::optional(self.substitute(of, end)),
            Type::Map(key, value) => Type::map(self.substitute(key, end), self.substitute(value, end)),
            other => other.clone(),
        }
    }

    /// Whether each may stand for its counterpart. Nothing is learned if not.
    pub(super) fn assignable(&mut self, given: &[Type], wanted: &[Type]) -> bool {
        if given.len() != wanted.len() {
            return false;
        }
        let before = self.found.clone();
        let fits = given.iter().zip(wanted).all(|(given, wanted)| self.fits(given, wanted));
        if !fits {
            self.found = before;
        }
        fits
    }

    fn fits(&mut self, a: &Type, b: &Type) -> bool {
        let (a, b) = (self.shallow(a), self.shallow(b));
        match (&a, &b) {
            (Type::Var(x), Type::Var(y)) if x == y => true,
            (_, Type::Var(number)) | (Type::Var(number), _) => {
                let other = if matches!(b, Type::Var(_)) { &a } else { &b };
                if self.occurs(*number, other) {
                    return false;
                }
                self.found.insert(*number, other.clone());
                true
            }
            _ if a.is_dyn_or_error() || b.is_dyn_or_error() => true,
            (Type::Null, other) | (other, Type::Null) if other.takes_null() => true,
            _ if !a.alike(&b) => false,
            _ => {
                let pairs: Vec<(Type, Type)> =
                    a.parts().into_iter().zip(b.parts()).filter_map(|(a, b)| Some((a?.clone(), b?.clone()))).collect();
                pairs.iter().all(|(a, b)| self.fits(a, b))
            }
        }
    }

    fn shallow(&self, of: &Type) -> Type {
        match of {
            Type::Var(number) => self.found.get(number).map_or_else(|| of.clone(), |found| self.shallow(found)),
            other => other.clone(),
        }
    }

    fn occurs(&self, number: usize, within: &Type) -> bool {
        match self.shallow(within) {
            Type::Var(other) => other == number,
            other => other.parts().into_iter().flatten().any(|part| self.occurs(number, part)),
        }
    }
}
