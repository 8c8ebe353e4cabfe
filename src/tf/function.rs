//! What a function is.

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use super::{At, Attr, Fields, Kind, Mismatch, Model, Schema, Step, Type, Value};

/// A pure function: a struct of its parameters, in their order, and what it makes of them.
///
/// Hosts call it at any time and as often as they like, also without a provider block. Arguments are known; one
/// is null only where the parameter is an `Option`.
pub trait Function: Model {
    /// Name after the provider's.
    const NAME: &'static str;
    /// What it returns.
    type Output: Attr;

    /// Calls it.
    fn call(self) -> Result<Self::Output, Refused>;
}

/// Why a function has no result. Hosts put the text in the middle of a sentence of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong: no capital at the start, no full stop at the end.
    pub text: String,
    /// The parameter at fault, by its position.
    pub argument: Option<usize>,
}

impl Refused {
    /// Because of one argument.
    pub fn at<M: Model, T>(at: At<M, T>, text: impl Into<String>) -> Self {
        Refused { text: text.into(), argument: M::schema().position(at.name) }
    }

    fn mismatch(schema: &Schema, it: &Mismatch) -> Self {
        let argument = match it.path.steps().first() {
            Some(Step::Attribute(name)) => schema.position(name),
            _ => None,
        };
        Refused { text: it.to_string(), argument }
    }
}

/// A [`Function`] whose type the server need not know.
pub trait DynFunction: Send + Sync {
    /// See [`Function::NAME`].
    fn name(&self) -> &'static str;
    /// The parameters.
    fn schema(&self) -> &Arc<Schema>;
    /// See [`Function::Output`].
    fn returns(&self) -> Type;
    /// See [`Function::call`]: the arguments as an object.
    fn call(&self, arguments: Value) -> Result<Value, Refused>;
}

/// The one place where static functions become dynamic.
pub struct ErasedFunction<F>(OnceLock<Arc<Schema>>, PhantomData<fn() -> F>);

impl<F> Default for ErasedFunction<F> {
    fn default() -> Self {
        ErasedFunction(OnceLock::new(), PhantomData)
    }
}

impl<F: Function> DynFunction for ErasedFunction<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn schema(&self) -> &Arc<Schema> {
        self.0.get_or_init(|| Arc::new(F::schema()))
    }

    fn returns(&self) -> Type {
        plain(&F::Output::kind()).clone()
    }

    fn call(&self, arguments: Value) -> Result<Value, Refused> {
        let arguments = Fields::of(arguments).and_then(F::decode);
        let arguments = arguments.map_err(|it| Refused::mismatch(self.schema(), &it))?;
        F::call(arguments).map(F::Output::encode)
    }
}

/// The type of a parameter or a result. Functions know no nested attributes: such a Rust type is a mistake
/// that the schema's own tests find.
pub(super) fn plain(kind: &Kind) -> &Type {
    match kind {
        Kind::Plain(it) => it,
        Kind::Nested(..) => panic!("a function takes and returns plain values"),
    }
}
