//! The two traits that a plugin implements, and how they are exported.

use std::cell::OnceCell;
use std::marker::PhantomData;
use std::thread::LocalKey;

use crate::bindings::exports::host::chain::server;
use crate::bindings::resource::exports::host::chain::{bodies, objects};
use crate::{Answer, Context, HookContext, Result};

/// A link of the chain. Only `init` and `handle` have to be written.
///
/// One value lives in each instance of the plugin. Instances share nothing, so what a value
/// remembers is a cache; the truth is in the store. An instance runs on one thread: use
/// `Cell` and `RefCell` freely, but hold no borrow across an `await`, since requests are
/// handled concurrently.
#[allow(async_fn_in_trait, reason = "a component has one thread, so no future needs to be `Send`")]
pub trait Link: Sized + 'static {
    /// Says what this link serves, with the functions of [`registration`](crate::registration),
    /// and makes the value that the other methods see. Neither storage nor the delegate are
    /// available yet. An error keeps the host from starting.
    fn init() -> Result<Self>;

    /// The last step before the server listens, once, the delegate's before this link's.
    async fn prepare_run(&self, _context: HookContext) -> Result {
        Ok(())
    }

    /// Answers a request that matched one of this link's routes.
    async fn handle(&self, context: Context) -> Answer;

    /// Runs the health check that `init` registered under this name.
    async fn check_health(&self, name: &str) -> Result {
        Err(format!("there is no health check `{name}`").into())
    }

    /// Runs the hook that `init` registered under this name, in an instance of its own.
    async fn run_hook(&self, _context: HookContext, name: &str) -> Result {
        Err(format!("there is no hook `{name}`").into())
    }
}

/// What a link adds when the host keeps objects for it. All methods are pure: no storage,
/// no delegate; those about objects give one answer for each, in the same order.
#[allow(async_fn_in_trait, reason = "a component has one thread, so no future needs to be `Send`")]
pub trait Objects: Link {
    /// Brings stored objects to the form in which they are served. Called for claims with a
    /// `decode` tag.
    async fn decode(&self, _tag: &str, objects: Vec<Stored>) -> Result<Vec<Vec<u8>>> {
        Ok(objects.into_iter().map(|object| object.value).collect())
    }

    /// Writes objects in the form that an answer named: [`ItemForm::Rendered`](crate::ItemForm).
    async fn render(&self, form: &str, _items: Vec<Item>) -> Result<Vec<Vec<u8>>> {
        Err(format!("there is no form `{form}`").into())
    }

    /// Writes a body that came, or went, in a form of this link's own as JSON: what the host's
    /// audit shows.
    async fn read_body(&self, content_type: &str, _body: Vec<u8>) -> Result<Vec<u8>> {
        Err(format!("`{content_type}` is not read").into())
    }
}

pub use objects::{Event, Item, Stored};

/// Exports a type that implements [`Link`] as the component. Once in a crate.
#[macro_export]
#[rustfmt::skip] // it does not know `with_types_in`
macro_rules! export_link {
    ($link:ty) => {
        const _: () = {
            impl $crate::export::Instance for $link {
                fn slot() -> &'static ::std::thread::LocalKey<::std::cell::OnceCell<&'static Self>> {
                    ::std::thread_local! {
                        static SLOT: ::std::cell::OnceCell<&'static $link> = const { ::std::cell::OnceCell::new() };
                    }
                    &SLOT
                }
            }

            // Only a component has exports; elsewhere this keeps the type from being called unused.
            const _: fn() -> $crate::Result<$link> = <$link as $crate::Link>::init;
        };

        #[cfg(target_family = "wasm")]
        const _: () = {
            type Exported = $crate::export::Exported<$link>;
            $crate::bindings::export_server!(Exported with_types_in $crate::bindings);
        };
    };
}

/// Exports a type that implements [`Link`] and [`Objects`] as the component. Once in a crate.
#[macro_export]
#[rustfmt::skip] // it does not know `with_types_in`
macro_rules! export_resource_link {
    ($link:ty) => {
        $crate::export_link!($link);

        #[cfg(target_family = "wasm")]
        const _: () = {
            type Exported = $crate::export::Exported<$link>;
            $crate::bindings::resource::export_objects!(Exported with_types_in $crate::bindings::resource);
        };
    };
}

/// Where the instance's one value is. Implemented by the export macros.
pub trait Instance: Link {
    fn slot() -> &'static LocalKey<OnceCell<&'static Self>>;
}

/// What is exported for `L`: the generated traits, answered by the instance's value.
pub struct Exported<L>(PhantomData<L>);

pub(crate) fn instance<L: Instance>() -> &'static L {
    L::slot().with(|slot| *slot.get().expect("the host calls `init` first, and nothing after it failed"))
}

pub(crate) fn text<T>(result: Result<T>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

impl<L: Instance> server::Guest for Exported<L> {
    fn init() -> Result<(), String> {
        // Leaked on purpose: it lives as long as the instance, and futures borrow it.
        let link: &'static L = Box::leak(Box::new(text(L::init())?));
        L::slot().with(|slot| slot.set(link)).map_err(|_| "`init` was called twice".to_string())
    }

    async fn prepare_run(context: HookContext) -> Result<(), String> {
        text(instance::<L>().prepare_run(context).await)
    }

    async fn handle(context: Context) -> Answer {
        instance::<L>().handle(context).await
    }

    async fn check_health(name: String) -> Result<(), String> {
        text(instance::<L>().check_health(&name).await)
    }

    async fn run_hook(context: HookContext, name: String) -> Result<(), String> {
        text(instance::<L>().run_hook(context, &name).await)
    }
}

impl<L: Instance + Objects> objects::Guest for Exported<L> {
    async fn decode(tag: String, objects: Vec<Stored>) -> Result<Vec<Vec<u8>>, String> {
        text(instance::<L>().decode(&tag, objects).await)
    }

    async fn render(form: String, items: Vec<Item>) -> Result<Vec<Vec<u8>>, String> {
        text(instance::<L>().render(&form, items).await)
    }
}

impl<L: Instance + Objects> bodies::Guest for Exported<L> {
    async fn read(content_type: String, body: Vec<u8>) -> Result<Vec<u8>, String> {
        text(instance::<L>().read_body(&content_type, body).await)
    }
}
