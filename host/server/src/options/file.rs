//! `--config FILE`: the options in a YAML file whose keys are the flags. Flags win.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command};
use serde_json::{Map, Value};

/// The arguments of a command line, and after them those of the file that it names with
/// `--config`, as far as the command line does not say the same. And what is wrong with that file.
///
/// Arguments that cannot be read are returned as they are: reading them again says why.
pub fn with_config_file(command: &Command, arguments: Vec<OsString>) -> (Vec<OsString>, Vec<String>) {
    let Ok(matches) = command.clone().try_get_matches_from(&arguments) else { return (arguments, Vec::new()) };
    let (mut command, mut matches) = (command, &matches);
    while let Some((name, inner)) = matches.subcommand() {
        let Some(found) = command.find_subcommand(name) else { return (arguments, Vec::new()) };
        (command, matches) = (found, inner);
    }
    let Ok(Some(path)) = matches.try_get_one::<PathBuf>("config") else { return (arguments, Vec::new()) };
    let options = match read(path) {
        Ok(options) => options,
        Err(reason) => return (arguments, vec![format!("--config cannot be used: `{}`: {reason}", path.display())]),
    };

    let mut all = arguments;
    let mut errors = Vec::new();
    for (key, value) in options {
        match arguments_of(command, matches, &key, value) {
            Ok(more) => all.extend(more.into_iter().map(OsString::from)),
            Err(reason) => errors.push(format!("--config `{}`: `{key}` {reason}", path.display())),
        }
    }
    (all, errors)
}

fn read(path: &Path) -> Result<Map<String, Value>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    match serde_saphyr::from_str(&text).map_err(|error| error.to_string())? {
        Value::Object(options) => Ok(options),
        Value::Null => Ok(Map::new()),
        _ => Err("it must be a list of `flag: value`".to_owned()),
    }
}

fn arguments_of(command: &Command, matches: &ArgMatches, key: &str, value: Value) -> Result<Vec<String>, String> {
    let argument = command.get_arguments().find(|argument| {
        argument.get_long() == Some(key) || argument.get_all_aliases().is_some_and(|names| names.contains(&key))
    });
    let argument = argument.filter(|_| !matches!(key, "config" | "help" | "version"));
    let argument = argument.ok_or("is no option of this command")?;
    if matches.value_source(argument.get_id().as_str()) == Some(ValueSource::CommandLine) {
        return Ok(Vec::new());
    }
    let flag = |value: &Value| match value {
        Value::String(text) => Ok(format!("--{key}={text}")),
        Value::Bool(_) | Value::Number(_) => Ok(format!("--{key}={value}")),
        _ => Err("must be a text, a number, true or false"),
    };
    Ok(match value {
        Value::Array(values) if matches!(argument.get_action(), ArgAction::Append) => {
            values.iter().map(flag).collect::<Result<_, _>>()?
        }
        value => vec![flag(&value)?],
    })
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;
    use crate::options::RunOptions;

    fn command() -> Command {
        Command::new("host").subcommand(RunOptions::augment_args(Command::new("run")))
    }

    fn read_file(yaml: &str, flags: &[&str]) -> Result<RunOptions, Vec<String>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), yaml).unwrap();
        let config = format!("--config={}", file.path().display());
        let arguments = ["host", "run", &config].into_iter().chain(flags.iter().copied()).map(OsString::from).collect();
        let (arguments, errors) = with_config_file(&command(), arguments);
        let matches = command().try_get_matches_from(arguments).unwrap_or_else(|error| panic!("{error}"));
        let options = RunOptions::from_arg_matches(matches.subcommand().unwrap().1).unwrap();
        if errors.is_empty() {
            return Ok(options);
        }
        let errors = RunOptions { config_errors: errors, ..options }.complete().unwrap_err().0;
        Err(errors.iter().map(|error| error.replace(&file.path().display().to_string(), "FILE")).collect())
    }

    #[test]
    fn keys_are_flags_and_flags_win() {
        let yaml = "secure-port: 1234\nanonymous-auth: false\nplugin: [a.wasm, b.wasm]\nv: 4\n\
                    authorization-mode: AlwaysAllow\nrequest-timeout: 5s\netcd-servers: http://here\n";
        let options = read_file(yaml, &["--secure-port=5678", "--plugin", "c.wasm"]).unwrap();
        assert_eq!(
            (options.serving.secure_port.as_str(), options.access.anonymous_auth.as_deref()),
            ("5678", Some("false"))
        );
        assert_eq!(options.plugins.plugins, ["c.wasm"]);
        assert_eq!((options.logging.verbosity.as_str(), options.requests.request_timeout.as_str()), ("4", "5s"));
        assert_eq!(options.access.authorization_mode, ["AlwaysAllow"]);

        let options = read_file(yaml, &[]).unwrap();
        assert_eq!((options.serving.secure_port.as_str(), options.plugins.plugins.len()), ("1234", 2));
        assert!(read_file("", &[]).is_ok());
    }

    #[test]
    fn all_errors_are_said_at_once() {
        let errors =
            read_file("secure-prot: 1\nsecure-port: {a: b}\nhelp: true\nv: x\n", &["--plugin=a.wasm"]).unwrap_err();
        let expected = [
            "--config `FILE`: `secure-prot` is no option of this command",
            "--config `FILE`: `secure-port` must be a text, a number, true or false",
            "--config `FILE`: `help` is no option of this command",
            "--v must be a level, 0 to 10: `x`",
        ];
        assert_eq!(errors, expected);
        let errors = read_file("plugin: [[a]]\n", &[]).unwrap_err();
        assert_eq!(errors[0], "--config `FILE`: `plugin` must be a text, a number, true or false");
        let errors = read_file("- a\n", &["--plugin=a.wasm"]).unwrap_err();
        assert_eq!(errors, ["--config cannot be used: `FILE`: it must be a list of `flag: value`"]);
        let nowhere = ["host", "run", "--config=/nowhere.yaml"].map(OsString::from).to_vec();
        let errors = with_config_file(&command(), nowhere).1;
        assert!(errors[0].starts_with("--config cannot be used: `/nowhere.yaml`: No such file"), "{errors:?}");
    }
}
