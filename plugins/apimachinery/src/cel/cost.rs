//! What running an expression may cost at most, from how large its inputs may be: upstream's
//! estimate, whose unit is about a step.

use std::collections::HashMap;

use super::ast::{ACCUMULATOR, Comprehension, Id, Kind, Literal};
use super::check::Checked;
use super::declared::{Declared, Shape};
use super::library;
use super::types::Type;

const TRAVERSAL: f64 = 0.1;
const PATTERN: f64 = 0.25;

/// From the least to the most, of a size or of a cost.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    min: u64,
    max: u64,
}

impl Span {
    const UNKNOWN: Self = Self { min: 0, max: u64::MAX };
    const ZERO: Self = Self { min: 0, max: 0 };
    const NONE: Self = Self { min: u64::MAX, max: 0 };

    fn exactly(number: u64) -> Self {
        Self { min: number, max: number }
    }

    fn plus(self, other: Self) -> Self {
        Self { min: self.min.saturating_add(other.min), max: self.max.saturating_add(other.max) }
    }

    fn times(self, other: Self) -> Self {
        Self { min: self.min.saturating_mul(other.min), max: self.max.saturating_mul(other.max) }
    }

    fn scaled(self, factor: f64) -> Self {
        // Saturates, as upstream does.
        let scale = |number: u64| (number as f64 * factor).ceil() as u64;
        Self { min: scale(self.min), max: scale(self.max) }
    }

    fn or(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

/// Of the keys and the values of a list or a map that an expression makes.
#[derive(Debug, Clone, Copy)]
struct Entries {
    list: bool,
    key: Span,
    value: Span,
}

/// The most that the expression may cost.
pub(super) fn estimate(checked: &Checked, root: &Declared) -> u64 {
    let mut coster = Coster {
        checked,
        root,
        paths: HashMap::new(),
        scope: Vec::new(),
        sizes: HashMap::new(),
        entries: HashMap::new(),
    };
    coster.cost(checked.ast.root).max
}

type Path = Vec<String>;

struct Local {
    name: String,
    path: Path,
    size: Option<Span>,
    entries: Option<Entries>,
}

struct Coster<'a> {
    checked: &'a Checked,
    root: &'a Declared,
    paths: HashMap<Id, Path>,
    scope: Vec<Local>,
    sizes: HashMap<Id, Span>,
    entries: HashMap<Id, Entries>,
}

impl Coster<'_> {
    fn local(&self, id: Id) -> Option<&Local> {
        let Kind::Ident(name) = self.checked.ast.kind(id) else { return None };
        self.scope.iter().rev().find(|local| local.name == *name)
    }

    fn path(&self, id: Id) -> Path {
        if let Some(local) = self.local(id) {
            return local.path.clone();
        }
        self.paths.get(&id).cloned().unwrap_or_default()
    }

    fn below(&self, id: Id, name: &str) -> Path {
        let mut path = self.path(id);
        path.push(name.to_string());
        path
    }

    fn cost(&mut self, id: Id) -> Span {
        let checked = self.checked;
        match checked.ast.kind(id) {
            Kind::Literal(_) => Span::ZERO,
            Kind::Ident(name) => {
                let path = self.local(id).map_or_else(|| vec![name.clone()], |local| local.path.clone());
                self.paths.insert(id, path);
                Span::exactly(1)
            }
            // Whether something is there costs no more than finding where it would be.
            Kind::Select { operand, test: true, .. } => self.cost(*operand),
            Kind::Select { operand, field, .. } => {
                let mut sum = self.cost(*operand);
                if matches!(
                    checked.type_of(*operand),
                    Type::Map(..) | Type::Object(_) | Type::Message(_) | Type::Var(_)
                ) {
                    sum = sum.plus(Span::exactly(1));
                }
                let path = self.below(*operand, field);
                self.paths.insert(id, path);
                sum
            }
            Kind::Call { function, target, args } => self.call(id, function, *target, args),
            Kind::List(elements) => {
                let mut value = if elements.is_empty() { Span::ZERO } else { Span::NONE };
                let mut sum = Span::exactly(10);
                for element in elements {
                    sum = sum.plus(self.cost(element.value));
                    value = value.or(self.size_or_unknown(element.value));
                }
                self.entries.insert(id, Entries { list: true, key: Span::exactly(1), value });
                sum
            }
            // Nothing that is weighed makes one.
            Kind::Message { .. } => Span::exactly(40),
            Kind::Map(entries) => {
                let empty = if entries.is_empty() { Span::ZERO } else { Span::NONE };
                let (mut key, mut value) = (empty, empty);
                let mut sum = Span::exactly(30);
                for entry in entries {
                    sum = sum.plus(self.cost(entry.key)).plus(self.cost(entry.value));
                    key = key.or(self.size_or_unknown(entry.key));
                    value = value.or(self.size_or_unknown(entry.value));
                }
                self.entries.insert(id, Entries { list: false, key, value });
                sum
            }
            Kind::Comprehension(comprehension) if self.is_binding(comprehension) => self.binding(id, comprehension),
            Kind::Comprehension(comprehension) => self.comprehension(id, comprehension),
        }
    }

    fn is_binding(&self, c: &Comprehension) -> bool {
        let ast = &self.checked.ast;
        matches!(ast.kind(c.range), Kind::List(elements) if elements.is_empty())
            && matches!(ast.kind(c.condition), Kind::Literal(Literal::Bool(false)))
            && c.accumulator != ACCUMULATOR
    }

    fn push(&mut self, name: &str, path: Path, size: Option<Span>, entries: Option<Entries>) {
        self.scope.push(Local { name: name.to_string(), path, size, entries });
    }

    fn push_value_of(&mut self, name: &str, id: Id) {
        let (path, size, entries) = (self.path(id), self.size(id), self.entries_of(id));
        self.push(name, path, size, entries);
    }

    fn binding(&mut self, id: Id, c: &Comprehension) -> Span {
        let sum = self.cost(c.range).plus(self.cost(c.start));
        self.push_value_of(&c.accumulator, c.start);
        let sum = sum.plus(self.cost(c.result));
        self.scope.pop();
        if let Some(size) = self.size(c.result) {
            self.sizes.insert(id, size);
        }
        if let Some(entries) = self.entries_of(c.result) {
            self.entries.insert(id, entries);
        }
        sum
    }

    fn comprehension(&mut self, id: Id, c: &Comprehension) -> Span {
        let mut sum = self.cost(c.range).plus(self.cost(c.start));
        self.push_value_of(&c.accumulator, c.start);
        let entries = self.entries_of(c.range);
        let list = entries.map_or(matches!(self.checked.type_of(c.range), Type::List(_)), |entries| entries.list);
        let (key, value) = (entries.map(|entries| entries.key), entries.map(|entries| entries.value));
        let key_path = self.below(c.range, if list { "@indices" } else { "@keys" });
        let value_path = self.below(c.range, if list { "@items" } else { "@values" });
        match c.variables.as_slice() {
            [one, two] => {
                self.push(one, key_path, key, None);
                self.push(two, value_path, value, None);
            }
            [one] if list => self.push(one, value_path, value, None),
            [one] => self.push(one, key_path, key, None),
            _ => {}
        }
        let turn = self.cost(c.condition);
        let step = self.cost(c.step);
        self.scope.truncate(self.scope.len() - c.variables.len());
        sum = sum.plus(self.cost(c.result));
        self.scope.pop();
        let turns = self.size_or_unknown(c.range);
        sum = sum.plus(turns.times(step.plus(turn)));
        match self.checked.ast.kind(c.start) {
            Kind::Literal(_) => {
                if let Some(size) = self.size(c.start) {
                    self.sizes.insert(id, size);
                }
            }
            Kind::List(_) | Kind::Map(_) => {
                self.sizes.insert(id, turns);
                if let Some(entries) = self.entries_of(c.step) {
                    self.entries.insert(id, entries);
                }
            }
            _ => {}
        }
        sum
    }

    fn call(&mut self, id: Id, name: &str, target: Option<Id>, args: &[Id]) -> Span {
        let checked = self.checked;
        let qualified = checked.qualified.get(&id);
        let (name, target) = qualified.map_or((name, target), |name| (name.as_str(), None));
        if let ("dyn", [arg]) = (name, args) {
            let sum = self.cost(*arg).plus(Span::exactly(1));
            if let Some(size) = self.size(*arg) {
                self.sizes.insert(id, size);
            }
            if let Some(entries) = self.entries_of(*arg) {
                self.entries.insert(id, entries);
            }
            return sum;
        }
        let costs: Vec<Span> = args.iter().map(|arg| self.cost(*arg)).collect();
        if name == "_?._" {
            return costs.first().copied().unwrap_or(Span::ZERO).plus(Span::exactly(1));
        }
        let Some(forms) = checked.forms.get(&id) else { return Span::ZERO };
        let target_cost = target.map_or(Span::ZERO, |target| self.cost(target));
        let mut cost = Span::NONE;
        let mut result: Option<Span> = None;
        for form in forms {
            let (of_form, size) = self.form(id, name, &form.args, target, args, &costs);
            cost = cost.or(of_form);
            result = match (result, size) {
                (Some(a), Some(b)) => Some(a.or(b)),
                (a, b) => a.or(b),
            };
            if name == "_[_]" && !matches!(form.args[0], Type::Optional(_)) {
                result = self.entries_of(args[0]).map(|entries| entries.value);
                let list = matches!(form.args[0], Type::List(_));
                let path = self.below(args[0], if list { "@items" } else { "@values" });
                self.paths.insert(id, path);
            }
            result = result.or_else(|| self.size(id));
        }
        if let Some(size) = result {
            self.sizes.insert(id, size);
        }
        target_cost.plus(cost)
    }

    /// The cost of one form of a function with its arguments, and the size of what it makes.
    fn form(
        &mut self,
        id: Id,
        name: &str,
        types: &[Type],
        target: Option<Id>,
        args: &[Id],
        costs: &[Span],
    ) -> (Span, Option<Span>) {
        let sum = costs.iter().fold(Span::ZERO, |sum, cost| sum.plus(*cost));
        if let Some((cost, size)) = self.extension(name, types, target, args) {
            return (cost.plus(sum), size);
        }
        let size_of = |this: &mut Self, at: usize| args.get(at).map_or(Span::UNKNOWN, |arg| this.size_or_unknown(*arg));
        let text_like = matches!(types.first(), Some(Type::Text | Type::Bytes));
        match (name, args) {
            ("format", [_]) => (self.size_or_unknown(target.unwrap_or(id)).scaled(TRAVERSAL).plus(sum), None),
            ("bytes", [_]) if text_like && matches!(types[0], Type::Text) => {
                let size = size_of(self, 0);
                let made = Span { min: size.min, max: size.max.saturating_mul(4) };
                (size.scaled(TRAVERSAL).plus(sum), Some(made))
            }
            ("string", [_]) if matches!(types[0], Type::Bytes) => {
                let size = size_of(self, 0);
                (size.scaled(TRAVERSAL).plus(sum), Some(Span { min: size.min / 4, max: size.max }))
            }
            ("strings.quote", [_]) => {
                let size = size_of(self, 0);
                let made = Span { min: size.min.saturating_add(2), max: size.max.saturating_mul(2).saturating_add(2) };
                (size.scaled(TRAVERSAL).plus(sum), Some(made))
            }
            ("startsWith" | "endsWith", [_]) => (size_of(self, 0).scaled(TRAVERSAL).plus(sum), None),
            ("@in", [_, _]) if matches!(types[1], Type::List(_)) => (size_of(self, 1).plus(sum), None),
            ("matches", [pattern]) if target.is_some() => {
                let text = self.size_or_unknown(target.unwrap_or(id)).plus(Span::exactly(1)).scaled(TRAVERSAL);
                let pattern = self.size_or_unknown(*pattern).scaled(PATTERN);
                (text.times(pattern).plus(sum), None)
            }
            ("contains", [part]) => {
                let text = self.size_or_unknown(target.unwrap_or(id)).scaled(TRAVERSAL);
                let part = self.size_or_unknown(*part).scaled(TRAVERSAL);
                (text.times(part).plus(sum), None)
            }
            ("_||_" | "_&&_", [_, _]) => (Span { min: costs[0].min, max: costs[0].plus(costs[1]).max }, None),
            ("_?_:_", [_, yes, no]) => {
                let size = self.size_or_unknown(*yes).or(self.size_or_unknown(*no));
                self.unite(id, *yes, *no);
                (costs[0].plus(costs[1].or(costs[2])), Some(size))
            }
            ("_+_", [a, b]) if text_like || matches!(types[0], Type::List(_)) => {
                let size = self.size_or_unknown(*a).plus(self.size_or_unknown(*b));
                self.unite(id, *a, *b);
                let cost = if text_like { size.scaled(TRAVERSAL) } else { Span::exactly(1) };
                (cost.plus(sum), Some(size))
            }
            ("_==_" | "_!=_", [a, b]) => (self.comparison(*a, *b).plus(sum), None),
            ("_<_" | "_<=_" | "_>_" | "_>=_", [a, b]) if text_like => (self.comparison(*a, *b).plus(sum), None),
            _ => (Span::exactly(1).plus(sum), None),
        }
    }

    fn comparison(&mut self, a: Id, b: Id) -> Span {
        let smaller = self.size_or_unknown(a).max.min(self.size_or_unknown(b).max);
        Span { min: u64::from(smaller > 0), max: smaller }.scaled(TRAVERSAL)
    }

    fn unite(&mut self, id: Id, a: Id, b: Id) {
        if let (Some(a), Some(b)) = (self.entries_of(a), self.entries_of(b)) {
            self.entries.insert(id, Entries { list: a.list, key: a.key.or(b.key), value: a.value.or(b.value) });
        }
    }

    /// What Kubernetes says of the functions that it adds.
    fn extension(
        &mut self,
        name: &str,
        types: &[Type],
        target: Option<Id>,
        args: &[Id],
    ) -> Option<(Span, Option<Span>)> {
        let fixed = |number| Some((Span::exactly(number), None));
        let of_target = target.map(|target| self.size_or_unknown(target));
        let mut of_arg = |at: usize| args.get(at).map(|arg| self.size_or_unknown(*arg));
        match name {
            "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => {
                let size = of_target?;
                let Type::List(items) = self.checked.type_of(target?) else {
                    return Some((size.scaled(TRAVERSAL), None));
                };
                let mut each = Span::exactly(1);
                if matches!(**items, Type::Text | Type::Bytes) {
                    each = each.plus(self.item_size(target?).scaled(TRAVERSAL));
                }
                Some((size.times(each), None))
            }
            "url" | "jsonpatch.escapeKey" => of_arg(0).map(|size| (size.scaled(TRAVERSAL), Some(size))),
            "lowerAscii" | "upperAscii" | "substring" | "trim" => {
                of_target.map(|size| (size.scaled(TRAVERSAL), Some(size)))
            }
            "replace" => {
                let (size, old, new) = (of_target?, of_arg(0)?, of_arg(1)?);
                Some((size.scaled(2.0 * TRAVERSAL), Some(replaced(size, old, new))))
            }
            "split" => {
                let size = of_target?;
                let limit = match args.get(1).map(|arg| self.checked.ast.kind(*arg)) {
                    Some(Kind::Literal(Literal::Int(limit))) => limit.cast_unsigned(),
                    _ => size.max,
                };
                Some((size.scaled(2.0 * TRAVERSAL), Some(Span { min: 0, max: limit })))
            }
            "join" => {
                let list = of_target?;
                let separator = of_arg(0);
                let mut size = list.times(self.item_size(target?));
                if let Some(separator) = separator {
                    let count = Span { min: list.min.saturating_sub(1), max: list.max.saturating_sub(1) };
                    size = size.plus(separator.times(count));
                }
                Some((size.scaled(TRAVERSAL), Some(size)))
            }
            "find" | "findAll" => {
                let (size, pattern) = (of_target?, of_arg(0)?);
                let text = size.plus(Span::exactly(1)).scaled(TRAVERSAL);
                Some((text.times(pattern.scaled(PATTERN)), Some(Span { min: 0, max: size.max })))
            }
            "ip" if target.is_some() => fixed(1),
            "cidr" | "isIP" | "isCIDR" | "ip" | "quantity" | "isQuantity" | "semver" | "isSemver" => {
                of_arg(0).map(|size| (size.scaled(TRAVERSAL), None))
            }
            "ip.isCanonical" => of_arg(0).map(|size| (size.scaled(2.0 * TRAVERSAL), None)),
            "containsIP" | "containsCIDR" => {
                let one = Span { min: 4, max: 16 };
                let mut cost = one.plus(one).scaled(TRAVERSAL);
                if name == "containsCIDR" {
                    cost = cost.plus(one.scaled(TRAVERSAL)).plus(Span::exactly(1));
                }
                if matches!(types.get(1), Some(Type::Text)) {
                    cost = cost.plus(of_arg(0)?.scaled(TRAVERSAL));
                }
                Some((cost, None))
            }
            "validate" => of_arg(0).map(|size| (size.scaled(TRAVERSAL).scaled(128.0 * PATTERN), None)),
            "sign"
            | "asInteger"
            | "isInteger"
            | "asApproximateFloat"
            | "isGreaterThan"
            | "isLessThan"
            | "compareTo"
            | "add"
            | "sub"
            | "major"
            | "minor"
            | "patch"
            | "masked"
            | "prefixLength"
            | "family"
            | "isUnspecified"
            | "isLoopback"
            | "isLinkLocalMulticast"
            | "isLinkLocalUnicast"
            | "isGlobalUnicast"
            | "format.named"
            | "getScheme"
            | "getHostname"
            | "getHost"
            | "getPort"
            | "getEscapedPath"
            | "getQuery" => fixed(1),
            "_==_" => match (self.checked.type_of(args[0]), self.checked.type_of(args[1])) {
                (Type::Opaque(a), Type::Opaque(b)) if a == b => match *a {
                    library::FORMAT => Some((Span { min: 1, max: 64 }.scaled(TRAVERSAL), None)),
                    library::URL => {
                        let size = self.size(args[1]).map_or(1, |size| size.max);
                        Some((Span { min: 1, max: size }.scaled(TRAVERSAL), None))
                    }
                    _ => fixed(1),
                },
                _ => None,
            },
            _ => None,
        }
    }

    fn size_or_unknown(&mut self, id: Id) -> Span {
        self.size(id).unwrap_or(Span::UNKNOWN)
    }

    fn size(&mut self, id: Id) -> Option<Span> {
        if let Some(size) = self.sizes.get(&id) {
            return Some(*size);
        }
        match self.checked.ast.kind(id) {
            Kind::Literal(Literal::Text(text)) => return Some(Span::exactly(text.chars().count() as u64)),
            Kind::Literal(Literal::Bytes(bytes)) => return Some(Span::exactly(bytes.len() as u64)),
            Kind::Literal(_) => return Some(Span::exactly(1)),
            Kind::List(elements) => return Some(Span::exactly(elements.len() as u64)),
            Kind::Map(entries) => return Some(Span::exactly(entries.len() as u64)),
            _ => {}
        }
        if let Some(size) = self.declared_size(&self.path(id)) {
            self.sizes.insert(id, size);
            return Some(size);
        }
        if self.checked.type_of(id).is_scalar() {
            return Some(Span::exactly(1));
        }
        self.local(id).and_then(|local| local.size)
    }

    fn entries_of(&self, id: Id) -> Option<Entries> {
        self.entries.get(&id).copied().or_else(|| self.local(id).and_then(|local| local.entries))
    }

    fn item_size(&self, list: Id) -> Span {
        let path = self.path(list);
        if path.is_empty() {
            return Span::UNKNOWN;
        }
        self.declared_size(&self.below(list, "@items")).unwrap_or(Span::UNKNOWN)
    }

    /// How large the schema lets the value at a path be. Upstream begins every path at the
    /// rule's own value.
    fn declared_size(&self, path: &Path) -> Option<Span> {
        let mut at = self.root;
        for name in path.get(1..)? {
            at = match (name.as_str(), &at.shape) {
                ("@items" | "@values", Shape::List(of) | Shape::Map(of)) => of,
                ("@keys", Shape::Map(_)) => return Some(Span { min: 0, max: at.key_max }),
                (_, Shape::Map(of)) if at.by_name => of,
                (name, _) => &at.field(name)?.of,
            };
        }
        if path.first().is_some_and(|first| first == ACCUMULATOR) {
            return None;
        }
        Some(Span { min: 0, max: at.max_elements })
    }
}

fn replaced(size: Span, old: Span, new: Span) -> Span {
    let up = |number: u64, by: u64| number.div_ceil(by.max(1));
    let (count_max, kept_max) = match () {
        () if old.min == 0 => (size.max.saturating_add(1), size.max),
        () if new.max <= old.min => (0, size.max),
        () => (up(size.max, old.min), 0),
    };
    let (count_min, kept_min) = match () {
        () if old.max == 0 => (size.min.saturating_add(1), size.min),
        () if old.max <= new.min => (0, size.min),
        () => (up(size.min, old.max), 0),
    };
    Span { min: count_min, max: count_max }.times(new).plus(Span { min: kept_min, max: kept_max })
}
