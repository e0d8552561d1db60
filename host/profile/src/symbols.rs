//! Addresses → functions.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use object::{Object as _, ObjectSection as _, ObjectSegment as _, ObjectSymbol as _, SymbolKind};

use crate::Image;
use crate::pprof::Stack;
use crate::sampler::Sample;

/// All code of the process.
pub(crate) struct Symbols {
    mapped: Vec<Mapped>,
    /// Addresses that were looked up.
    known: HashMap<usize, (Rc<str>, Rc<str>)>,
}

/// Code that is in memory, and where it is described.
struct Mapped {
    memory: Range<usize>,
    /// Where `memory` begins in the file.
    offset: u64,
    /// What the file is called.
    name: String,
    /// Where it can be read, if it still can.
    file: Option<PathBuf>,
    /// Nothing for the executable and its libraries.
    plugin: Option<Rc<str>>,
    /// Read when the first address in it is looked up.
    table: Option<Table>,
}

/// Functions of a file by their offsets in it, in order.
#[derive(Default)]
struct Table(Vec<Function>);

struct Function {
    at: Range<u64>,
    name: Rc<str>,
}

impl Symbols {
    pub(crate) fn of_process(images: &[Image]) -> Self {
        let plugins = images.iter().map(|image| Mapped {
            memory: image.memory.clone(),
            offset: 0,
            name: format!("{}.wasm", image.name),
            file: Some(image.file.clone()),
            plugin: Some(image.name.as_str().into()),
            table: None,
        });
        // Plugins first: their files are among what is mapped, too.
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let executable = fs::read_link(EXECUTABLE).unwrap_or_default();
        let mapped = plugins.chain(maps.lines().filter_map(|line| mapping(line, &executable))).collect();
        Self { mapped, known: HashMap::new() }
    }

    pub(crate) fn stack(&mut self, sample: &Sample) -> Stack {
        let mut owner = None;
        let functions = sample.addresses.iter().enumerate().map(|(depth, address)| {
            // A caller is found by what comes after the call.
            let address = if depth == 0 { *address } else { address - 1 };
            let (of, function) = self.find(address);
            owner.get_or_insert(of);
            function
        });
        let functions = functions.collect();
        Stack { owner: owner.unwrap_or_else(|| "host".into()), functions }
    }

    /// Whose it is, and which function.
    fn find(&mut self, address: usize) -> (Rc<str>, Rc<str>) {
        if let Some(known) = self.known.get(&address) {
            return known.clone();
        }
        let found = match self.mapped.iter_mut().find(|mapped| mapped.memory.contains(&address)) {
            Some(mapped) => mapped.find(address),
            None => ("host".into(), "[unknown]".into()),
        };
        self.known.insert(address, found.clone());
        found
    }
}

impl Mapped {
    fn find(&mut self, address: usize) -> (Rc<str>, Rc<str>) {
        let (file, plugin) = (self.file.as_deref(), self.plugin.as_deref());
        let read = || file.map(|file| Table::read(file, plugin)).unwrap_or_default();
        let function = self.table.get_or_insert_with(read).find((address - self.memory.start) as u64 + self.offset);
        match plugin {
            Some(plugin) => (format!("plugin {plugin}").into(), function.unwrap_or_else(|| self.name.as_str().into())),
            None => ("host".into(), function.unwrap_or_else(|| format!("[{}]", self.name).into())),
        }
    }
}

/// What runs, even where another file has taken its path since.
const EXECUTABLE: &str = "/proc/self/exe";
/// How the kernel marks a path that the file does not have any more. What is there now is another one.
const DELETED: &str = " (deleted)";

/// One line of `/proc/self/maps`, if there is code. The path comes last, and may have spaces;
/// the executable's is marked as the kernel does.
fn mapping(line: &str, executable: &Path) -> Option<Mapped> {
    let mut parts = line.splitn(6, ' ');
    let (range, mode, offset) = (parts.next()?, parts.next()?, parts.next()?);
    let path = parts.nth(2)?.trim_start();
    if path.is_empty() {
        return None;
    }
    let before = path.strip_suffix(DELETED);
    let file = match before {
        _ if Path::new(path) == executable => Some(EXECUTABLE.into()),
        Some(_) => None,
        None => Some(path.into()),
    };
    let path = before.unwrap_or(path);
    let (start, end) = range.split_once('-')?;
    let hex = |text| usize::from_str_radix(text, 16).ok();
    mode.contains('x').then_some(Mapped {
        memory: hex(start)?..hex(end)?,
        offset: hex(offset)? as u64,
        name: path.rsplit('/').next().unwrap_or(path).to_owned(),
        file,
        plugin: None,
        table: None,
    })
}

impl Table {
    /// Nothing of a file that cannot be read: it is known which file it was.
    fn read(file: &Path, plugin: Option<&str>) -> Self {
        let Ok(bytes) = fs::read(file) else { return Self::default() };
        let Ok(elf) = object::File::parse(&*bytes) else { return Self::default() };
        let mut functions: Vec<Function> = elf
            .symbols()
            .chain(elf.dynamic_symbols())
            .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0)
            .filter_map(|symbol| {
                let start = offset(&elf, &symbol, plugin.is_some())?;
                let name = match plugin {
                    Some(plugin) => guest(plugin, symbol.name().ok()?),
                    None => demangled(symbol.name().ok()?),
                };
                Some(Function { at: start..start + symbol.size(), name: name.into() })
            })
            .collect();
        functions.sort_by_key(|function| function.at.start);
        Self(functions)
    }

    fn find(&self, offset: u64) -> Option<Rc<str>> {
        let after = self.0.partition_point(|function| function.at.start <= offset);
        let function = self.0.get(after.checked_sub(1)?)?;
        function.at.contains(&offset).then(|| function.name.clone())
    }
}

/// Where a symbol is in its file.
fn offset(elf: &object::File<'_>, symbol: &object::Symbol<'_, '_>, in_section: bool) -> Option<u64> {
    if in_section {
        // Compiled wasm has no addresses: its symbols count from the beginning of their section.
        let section = elf.section_by_index(symbol.section_index()?).ok()?;
        return Some(section.file_range()?.0 + symbol.address());
    }
    let segment = elf
        .segments()
        .find(|segment| (segment.address()..segment.address() + segment.size()).contains(&symbol.address()))?;
    Some(symbol.address() - segment.address() + segment.file_range().0)
}

/// `wasm[0]::function[7]::_ZN4core...` as `core.wasm:core::...`. Several modules make a component,
/// and functions without a name are told apart by theirs.
fn guest(plugin: &str, symbol: &str) -> String {
    let name = symbol.split_once("::function[").and_then(|(_, rest)| rest.split_once("]::")).map(|(_, name)| name);
    match name {
        Some(name) => format!("{plugin}.wasm:{}", demangled(name)),
        None => format!("{plugin}.wasm:{symbol}"),
    }
}

/// A name as its author wrote it. The names of compiled wasm are cut where they are long.
fn demangled(name: &str) -> String {
    let whole = match (rustc_demangle::try_demangle(name), name.strip_prefix("_ZN")) {
        (Ok(name), _) => return format!("{name:#}"),
        (Err(_), Some(path)) => as_far_as_it_goes(path),
        (Err(_), None) => None,
    };
    whole.unwrap_or_else(|| name.to_owned())
}

/// A path whose end is missing: parts, each with its length before it.
fn as_far_as_it_goes(mut path: &str) -> Option<String> {
    let mut mangled = "_ZN".to_owned();
    while let Some(digits) = path.find(|c: char| !c.is_ascii_digit()).filter(|digits| *digits > 0) {
        let length: usize = path[..digits].parse().ok()?;
        let rest = &path[digits..];
        let part = rest.get(..length).unwrap_or(rest);
        mangled.push_str(&format!("{}{part}", part.len()));
        path = &rest[part.len()..];
    }
    Some(format!("{:#}..", rustc_demangle::try_demangle(&format!("{mangled}E")).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_of_a_guest_has_its_plugins_name() {
        for (symbol, expected) in [
            ("wasm[0]::function[7]::_ZN4core3fmt5write17h0123456789abcdefE", "a.wasm:core::fmt::write"),
            ("wasm[0]::function[7]::spin", "a.wasm:spin"),
            ("wasm[0]::function[7]::_ZN4core3fmt9Form", "a.wasm:core::fmt::Form.."),
            ("wasm[0]::function[7]::_ZN27_$LT$a..B$u20$as$u20$c..D$G", "a.wasm:<a::B as c::D$G.."),
            ("wasm[1]::function[7]", "a.wasm:wasm[1]::function[7]"),
            ("wasm[0]::array_to_wasm_trampoline[270]", "a.wasm:wasm[0]::array_to_wasm_trampoline[270]"),
        ] {
            assert_eq!(guest("a", symbol), expected);
        }
    }

    #[test]
    fn a_file_that_was_replaced_is_not_read() {
        for (path, executable, expected) in [
            ("/bin/host", "/bin/host", Some(("host", Some(EXECUTABLE)))),
            ("/bin/host (deleted)", "/bin/host (deleted)", Some(("host", Some(EXECUTABLE)))),
            ("/lib/c.so", "/bin/host", Some(("c.so", Some("/lib/c.so")))),
            ("/my lib/c.so", "/bin/host", Some(("c.so", Some("/my lib/c.so")))),
            ("/lib/c.so (deleted)", "/bin/host", Some(("c.so", None))),
            ("[vdso]", "/bin/host", Some(("[vdso]", Some("[vdso]")))),
            ("", "/bin/host", None),
        ] {
            let line = format!("00400000-00452000 r-xp 00001000 08:02 173521      {path}");
            let found = mapping(&line, Path::new(executable));
            let found = found.map(|found| (found.name, found.file, found.memory, found.offset));
            let expected = expected.map(|(name, file): (&str, Option<&str>)| {
                (name.to_owned(), file.map(PathBuf::from), 0x0040_0000..0x0045_2000, 0x1000)
            });
            assert_eq!(found, expected, "{path}");
        }
        assert!(mapping("00400000-00452000 r--p 00000000 08:02 173521      /lib/c.so", Path::new("")).is_none());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_function_of_this_process_is_found() {
        let here = a_function_of_this_process_is_found as fn() as usize;
        let mut symbols = Symbols::of_process(&[]);
        let stack = symbols.stack(&Sample { addresses: vec![here, usize::MAX] });
        assert_eq!(&*stack.owner, "host");
        let names: Vec<&str> = stack.functions.iter().map(|name| &**name).collect();
        assert_eq!(names[1], "[unknown]");
        assert!(names[0].ends_with("a_function_of_this_process_is_found"), "{names:?}");
    }
}
