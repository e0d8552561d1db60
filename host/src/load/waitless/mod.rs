//! A component as it would be if nothing that it imports could wait.
//!
//! wasmtime makes a plain call of an instance only if none of its imports may wait; every other call is
//! a task of the engine's, at twice the cost. Whether an import may wait is part of its type. So that a
//! plain export can be called plainly, an instance is made of a second component, in which those types
//! say that nobody waits; what would have to is linked to an error.
//!
//! A core module calls what may wait by other means than what may not: its arguments lie elsewhere, and
//! it gets a number. The second component's imports look the same to it: they take and give the numbers
//! of which such a call consists.

mod survey;

use std::collections::HashMap;
use std::ops::Range;

use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind, ComponentFuncType,
    ComponentOuterAliasKind, ComponentType, ComponentTypeRef, ComponentValType, FromReader, FuncType,
    InstanceTypeDeclaration, Parser, Payload, Result, SectionLimited, ValType,
};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker};

use self::survey::{Survey, reader};
use super::Engine;
use super::contract::VERSION;
use crate::imports::State;
use crate::imports::unwaited::Waits;

/// Rewrites what a component imports and how it calls that: each asynchronous function is a synchronous
/// one.
///
/// # Errors
/// If it is not a valid component.
pub(super) fn without_waiting(component: &[u8]) -> Result<Vec<u8>> {
    let survey = Survey::of(component)?;
    let mut out = Vec::with_capacity(component.len() + 1024);
    let mut copied = 0;
    // Whole components are in the outer one, with types of their own.
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload?;
        let section = payload.as_section().filter(|_| depth == 0);
        let mut rewritten = None;
        match payload {
            Payload::Version { range, .. } if depth == 0 => {
                out.extend(&component[range.clone()]);
                copied = range.end;
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentTypeSection(section) if depth == 0 => {
                rewritten = Some(items(section, |item, range, out| match item {
                    ComponentType::Instance(_) => instance_type(component, range, &survey, out),
                    _ => copy(component, range, out),
                })?);
            }
            Payload::ComponentCanonicalSection(section) if depth == 0 => {
                rewritten = Some(items(section, |item, range, out| match item {
                    CanonicalFunction::Lower { func_index, options }
                        if options.contains(&CanonicalOption::Async) && survey.functions.contains(&func_index) =>
                    {
                        // Numbers are passed as they are: it needs no options.
                        out.extend(LOWER);
                        unsigned(func_index, out);
                        unsigned(0, out);
                        Ok(())
                    }
                    _ => copy(component, range, out),
                })?);
            }
            _ => {}
        }
        let Some((id, range)) = section else { continue };
        match rewritten {
            Some(content) => {
                out.push(id);
                unsigned(content.len() as u32, &mut out);
                out.extend(content);
            }
            // With its length, as that is written. Of a module that is cut off there is less.
            None => out.extend(&component[copied..range.end.min(component.len())]),
        }
        copied = range.end;
    }
    Ok(out)
}

// As in "Component Model Binary Format".
const LOWER: [u8; 2] = [0x01, 0x00];
const INSTANCE_TYPE: u8 = 0x42;
const TYPE_DECLARATION: u8 = 0x01;
const SYNCHRONOUS_FUNCTION: u8 = 0x40;
const ONE_RESULT: u8 = 0x00;
const U32: u8 = 0x79;
const U64: u8 = 0x77;
const F32: u8 = 0x76;
const F64: u8 = 0x75;

/// Writes the items of a section anew, each with where it stands.
fn items<'a, T: FromReader<'a>>(
    section: SectionLimited<'a, T>,
    mut write: impl FnMut(T, Range<usize>, &mut Vec<u8>) -> Result<()>,
) -> Result<Vec<u8>> {
    let (count, end) = (section.count(), section.range().end);
    let items: Vec<_> = section.into_iter_with_offsets().collect::<Result<_>>()?;
    let begins: Vec<usize> = items.iter().map(|(begin, _)| *begin).chain([end]).collect();
    let mut out = Vec::new();
    unsigned(count, &mut out);
    for (number, (begin, item)) in items.into_iter().enumerate() {
        write(item, begin..begins[number + 1], &mut out)?;
    }
    Ok(out)
}

#[expect(clippy::unnecessary_wraps, reason = "one of the ways in which an item is written")]
fn copy(component: &[u8], range: Range<usize>, out: &mut Vec<u8>) -> Result<()> {
    out.extend(&component[range]);
    Ok(())
}

/// Writes the type of an instance with synchronous functions only.
fn instance_type(component: &[u8], range: Range<usize>, survey: &Survey<'_>, out: &mut Vec<u8>) -> Result<()> {
    let declarations = declarations(component, range.start)?;
    // By number, as the type of the instance counts its own types.
    let mut called: HashMap<u32, &FuncType> = HashMap::new();
    for (_, declaration) in &declarations {
        if let InstanceTypeDeclaration::Export { name, ty: ComponentTypeRef::Func(ty) } = declaration
            && let Some(signature) = survey.calls.get(&(range.start, name.name))
        {
            called.insert(*ty, signature);
        }
    }
    out.push(INSTANCE_TYPE);
    unsigned(declarations.len() as u32, out);
    let mut types = 0;
    for (range, declaration) in declarations {
        match &declaration {
            InstanceTypeDeclaration::Type(ComponentType::Func(function)) if function.async_ => {
                out.extend([TYPE_DECLARATION, SYNCHRONOUS_FUNCTION]);
                match called.get(&types) {
                    Some(signature) => numbers(function, signature, out),
                    // Behind what says that it declares an asynchronous function.
                    None => out.extend(&component[range.start + 2..range.end]),
                }
            }
            _ => out.extend(&component[range]),
        }
        types += u32::from(is_type(&declaration));
    }
    Ok(())
}

type Declaration<'a> = (Range<usize>, InstanceTypeDeclaration<'a>);

/// What the type of an instance consists of, each with where it stands.
fn declarations(component: &[u8], offset: usize) -> Result<Vec<Declaration<'_>>> {
    let mut reader = reader(component, offset);
    // That it is an instance's.
    reader.read_u8()?;
    let mut declarations = Vec::new();
    for _ in 0..reader.read_var_u32()? {
        let begin = reader.original_position();
        let declaration = reader.read()?;
        declarations.push((begin..reader.original_position(), declaration));
    }
    Ok(declarations)
}

/// Whether this has a number among the types.
fn is_type(declaration: &InstanceTypeDeclaration<'_>) -> bool {
    match declaration {
        InstanceTypeDeclaration::Type(_) => true,
        InstanceTypeDeclaration::Export { ty, .. } => matches!(ty, ComponentTypeRef::Type(_)),
        InstanceTypeDeclaration::Alias(alias) => matches!(
            alias,
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Type, .. }
                | ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, .. }
        ),
        InstanceTypeDeclaration::CoreType(_) => false,
    }
}

/// Writes the type of a function that takes and gives what an asynchronous call of the other one does.
fn numbers(function: &ComponentFuncType<'_>, signature: &FuncType, out: &mut Vec<u8>) {
    unsigned(signature.params().len() as u32, out);
    for (number, param) in signature.params().iter().enumerate() {
        match function.params.first() {
            // A method has to have it. It is a number, too.
            Some(("self", ComponentValType::Type(resource))) if number == 0 => {
                label("self", out);
                signed(*resource, out);
            }
            _ => {
                label(&format!("p{number}"), out);
                out.push(number_type(*param));
            }
        }
    }
    out.push(ONE_RESULT);
    // Always a state.
    out.push(U32);
}

fn number_type(ty: ValType) -> u8 {
    match ty {
        ValType::I64 => U64,
        ValType::F32 => F32,
        ValType::F64 => F64,
        // Nothing else comes from flattening.
        _ => U32,
    }
}

fn label(text: &str, out: &mut Vec<u8>) {
    unsigned(text.len() as u32, out);
    out.extend(text.as_bytes());
}

/// LEB128.
fn unsigned(mut number: u32, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// LEB128 with a sign.
fn signed(mut number: u32, out: &mut Vec<u8>) {
    while number >= 0x40 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Links whatever may wait, by what the component was before, to an error, in a linker that takes a name
/// twice.
///
/// # Errors
/// If the linker takes none of them.
pub(super) fn refuse_waiting(
    engine: &Engine,
    linker: &mut Linker<State>,
    component: &Component,
) -> wasmtime::Result<()> {
    for (import, item) in component.component_type().imports(engine.wasmtime()) {
        let ComponentItem::ComponentInstance(instance) = item.ty else { continue };
        // By the name under which the others are linked.
        let Some((interface, _)) = import.split_once('@') else { continue };
        for (function, item) in instance.exports(engine.wasmtime()) {
            if matches!(item.ty, ComponentItem::ComponentFunc(ty) if ty.async_()) {
                let mut interface = linker.instance(&format!("{interface}@{VERSION}"))?;
                interface.func_new(function, |_, _, _, _| Err(Waits.into()))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::component;
    use super::*;

    /// Imports `log` and `storage`, calls each in its way, and has a component within that may wait.
    const TEXT: &str = r#"(component
        (type $unused (instance (export "wait" (func async))))
        (type $log (instance
            (export "write" (func (param "text" string)))
            (type (record (field "a" u8) (field "b" u64)))
            (export "t" (type (eq 1)))
            (export "later" (type (sub resource)))
            (export "flush" (func async (param "a" 2) (result string)))
            (export "[method]later.wait" (func async (param "self" (borrow 3)) (param "f" float32)))
            (export "rest" (func async (param "text" string)))))
        (import "host:chain/log@0.1.0" (instance $l (type $log)))
        (alias export $l "t" (type $t))
        (export "again" (type $t))
        (type $storage (instance (export "get" (func async)) (export "forget" (func))))
        (import "host:chain/storage@0.1.0" (instance $s (type $storage)))
        (component $inner
            (import "call" (func $call async))
            (export "called" (func $call)))
        (core module $memory
            (memory (export "memory") 1)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
        (core instance $m (instantiate $memory))
        (alias core export $m "memory" (core memory $bytes))
        (alias core export $m "realloc" (core func $realloc))
        (core func $write (canon lower (func $l "write") (memory $bytes)))
        (core func $flush (canon lower (func $l "flush") async (memory $bytes) (realloc $realloc)))
        (core func $wait (canon lower (func $l "[method]later.wait") async))
        (core func $get (canon lower (func $s "get") async))
        (core func $forget (canon lower (func $s "forget")))
        (core module $main
            (import "" "write" (func (param i32 i32)))
            (import "" "flush" (func (param i32 i64 i32) (result i32)))
            (import "" "wait" (func (param i32 f32) (result i32)))
            (import "" "get" (func (result i32)))
            (import "" "forget" (func)))
        (core instance (instantiate $main (with "" (instance
            (export "write" (func $write))
            (export "flush" (func $flush))
            (export "wait" (func $wait))
            (export "get" (func $get))
            (export "forget" (func $forget))))))
        (import "own" (instance $own (export "call" (func)))))"#;

    fn asynchronous(engine: &Engine, component: &Component) -> Vec<String> {
        let ty = component.component_type();
        let mut found = Vec::new();
        for (import, item) in ty.imports(engine.wasmtime()) {
            let ComponentItem::ComponentInstance(instance) = item.ty else { continue };
            for (function, item) in instance.exports(engine.wasmtime()) {
                if matches!(item.ty, ComponentItem::ComponentFunc(ty) if ty.async_()) {
                    found.push(format!("{import} {function}"));
                }
            }
        }
        found
    }

    #[test]
    fn imports_are_synchronous_and_calls_of_them_are_as_they_were() {
        let engine = Engine::compiler().expect("an engine");
        let waiting = ["log flush", "log [method]later.wait", "log rest", "storage get"];
        let waiting =
            waiting.map(|function| function.replacen(' ', "@0.1.0 ", 1)).map(|name| format!("host:chain/{name}"));
        assert_eq!(asynchronous(&engine, &component(&engine, TEXT)), waiting);
        let after = without_waiting(&wat::parse_str(TEXT).expect("text")).expect("a component");
        // Its core modules fit what they are given.
        let after = Component::new(engine.wasmtime(), after).expect("it is valid");
        assert_eq!(asynchronous(&engine, &after), Vec::<String>::new());
    }

    #[test]
    fn what_has_nothing_to_wait_for_stays_as_it_is() {
        let text = r#"(component (type (record (field "a" u8))) (import "a" (func (result string))))"#;
        let before = wat::parse_str(text).expect("text");
        assert_eq!(without_waiting(&before).expect("a component"), before);
    }

    #[test]
    fn what_would_wait_is_refused_and_so_no_future_is_needed() {
        let engine = Engine::compiler().expect("an engine");
        let text = r#"(component
            (import "host:chain/storage@0.1.0" (instance $s (export "get" (func async (param "key" u32)))))
            (core func $get (canon lower (func $s "get") async))
            (core module $main
                (import "" "get" (func $get (param i32) (result i32)))
                (func (export "run") (drop (call $get (i32.const 7)))))
            (core instance $m (instantiate $main (with "" (instance (export "get" (func $get))))))
            (func (export "run") (canon lift (core func $m "run"))))"#;
        let before = component(&engine, text);
        let after = without_waiting(&wat::parse_str(text).expect("text")).expect("a component");
        let after = Component::new(engine.wasmtime(), after).expect("it is valid");
        let mut linker = Linker::new(engine.wasmtime());
        linker.allow_shadowing(true);
        refuse_waiting(&engine, &mut linker, &before).expect("it links");
        linker.instantiate_pre(&after).expect("it fits");
        assert!(linker.instantiate_pre(&before).is_err(), "it would wait");
    }

    #[test]
    fn a_component_that_is_cut_off_is_an_error() {
        let bytes = wat::parse_str(TEXT).expect("text");
        for end in 1..bytes.len() {
            // Where a section ends, too: no panic.
            let _ = without_waiting(&bytes[..end]);
        }
        assert!(without_waiting(&bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn numbers_are_written_as_they_are_read() {
        for number in [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0x1fff, 0x2000, 0x3fff, 0x4000, u32::MAX >> 1, u32::MAX] {
            let (mut plain, mut with_sign) = (Vec::new(), Vec::new());
            unsigned(number, &mut plain);
            signed(number, &mut with_sign);
            assert_eq!(reader(&plain, 0).read_var_u32().expect("a number"), number);
            assert_eq!(reader(&with_sign, 0).read_var_s33().expect("a number"), i64::from(number));
        }
    }
}
