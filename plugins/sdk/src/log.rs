//! Log lines, written by the host with the plugin's name.
//!
//! The macros take what `format!` takes, and build the line only if it is written.

pub use crate::bindings::host::chain::log::{Level, enabled, log};
pub use crate::{log_debug as debug, log_error as error, log_info as info, log_trace as trace, log_warn as warn};

/// Writes one line at a level.
#[doc(hidden)]
#[macro_export]
macro_rules! log_at {
    ($level:ident, $($text:tt)+) => {
        if $crate::log::enabled($crate::log::Level::$level) {
            $crate::log::log($crate::log::Level::$level, &::std::format!($($text)+));
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! log_trace { ($($text:tt)+) => { $crate::log_at!(Trace, $($text)+) }; }

#[doc(hidden)]
#[macro_export]
macro_rules! log_debug { ($($text:tt)+) => { $crate::log_at!(Debug, $($text)+) }; }

#[doc(hidden)]
#[macro_export]
macro_rules! log_info { ($($text:tt)+) => { $crate::log_at!(Info, $($text)+) }; }

#[doc(hidden)]
#[macro_export]
macro_rules! log_warn { ($($text:tt)+) => { $crate::log_at!(Warn, $($text)+) }; }

#[doc(hidden)]
#[macro_export]
macro_rules! log_error { ($($text:tt)+) => { $crate::log_at!(Error, $($text)+) }; }
