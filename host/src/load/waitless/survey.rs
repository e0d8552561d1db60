//! What a component calls that may wait, and how.

use std::collections::HashMap;

use wasmparser::{
    BinaryReader, CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind, ComponentOuterAliasKind,
    ComponentType, ComponentTypeRef, FuncType, Parser, Payload, Result, Validator,
};

/// The asynchronous imports that a component calls asynchronously.
#[derive(Default)]
pub(super) struct Survey<'a> {
    /// By where the type of the imported instance begins, and the function's name: what it is to the
    /// core module that calls it.
    pub(super) calls: HashMap<(usize, &'a str), FuncType>,
    /// The numbers of those functions, as the component counts.
    pub(super) functions: Vec<u32>,
}

/// What the component has by number, as far as it matters.
#[derive(Default)]
struct Spaces<'a> {
    /// Where the type of an instance begins; nothing for other types.
    types: Vec<Option<usize>>,
    /// Where the type of an imported instance begins.
    instances: Vec<Option<usize>>,
    /// The imported instance's type, and the name in it.
    functions: Vec<Option<(usize, &'a str)>>,
}

impl<'a> Survey<'a> {
    /// # Errors
    /// If the component is not valid.
    pub(super) fn of(component: &'a [u8]) -> Result<Self> {
        let mut survey = Self::default();
        let mut spaces = Spaces::default();
        let mut validator = Validator::new();
        // Whole components are in the outer one, and count for themselves.
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(component) {
            let payload = payload?;
            let core_functions = match depth {
                0 => validator.types(0).map_or(0, |types| types.function_count()),
                _ => 0,
            };
            validator.payload(&payload)?;
            match payload {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                Payload::ComponentCanonicalSection(section) if depth == 0 => {
                    let mut core_function = core_functions;
                    for item in section {
                        match item? {
                            CanonicalFunction::Lift { .. } => {
                                spaces.functions.push(None);
                                continue;
                            }
                            CanonicalFunction::Lower { func_index, options }
                                if options.contains(&CanonicalOption::Async) =>
                            {
                                let types = validator.types(0).expect("inside of the component");
                                let signature = types[types.core_function_at(core_function)].unwrap_func().clone();
                                if let Some(called) = spaces.functions[func_index as usize] {
                                    survey.calls.insert(called, signature);
                                    survey.functions.push(func_index);
                                }
                            }
                            _ => {}
                        }
                        core_function += 1;
                    }
                }
                payload if depth == 0 => spaces.count(payload)?,
                _ => {}
            }
        }
        Ok(survey)
    }
}

impl<'a> Spaces<'a> {
    fn count(&mut self, payload: Payload<'a>) -> Result<()> {
        match payload {
            Payload::ComponentTypeSection(section) => {
                for item in section.into_iter_with_offsets() {
                    let (offset, item) = item?;
                    self.types.push(matches!(item, ComponentType::Instance(_)).then_some(offset));
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    match import?.ty {
                        ComponentTypeRef::Instance(ty) => self.instances.push(self.types[ty as usize]),
                        ComponentTypeRef::Type(_) => self.types.push(None),
                        ComponentTypeRef::Func(_) => self.functions.push(None),
                        _ => {}
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    match alias? {
                        ComponentAlias::InstanceExport { kind, instance_index, name } => {
                            let from = self.instances[instance_index as usize];
                            self.add(kind, from.map(|from| (from, name)));
                        }
                        ComponentAlias::Outer { kind: ComponentOuterAliasKind::Type, .. } => self.types.push(None),
                        _ => {}
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                self.instances.extend((0..section.count()).map(|_| None));
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    self.add(export?.kind, None);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, kind: ComponentExternalKind, function: Option<(usize, &'a str)>) {
        match kind {
            ComponentExternalKind::Type => self.types.push(None),
            ComponentExternalKind::Instance => self.instances.push(None),
            ComponentExternalKind::Func => self.functions.push(function),
            _ => {}
        }
    }
}

/// The bytes of a component from an offset on, that say where they are.
pub(super) fn reader(component: &[u8], offset: usize) -> BinaryReader<'_> {
    BinaryReader::new(&component[offset..], offset)
}
