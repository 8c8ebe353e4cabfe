//! `#[derive(Model)]`: a struct becomes a Terraform schema.
//!
//! The derive knows three things only: field names, doc comments, and that
//! every word inside `#[tf(...)]` is a method of `Attribute`. It has no list
//! of allowed words, so it never has to change when the builder grows.

use proc_macro2::{TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Error, Expr, Field, Fields, Ident, LitStr, Meta, Result, Token};

/// Derives `tf::Model`, and `tf::Attr` so that the struct can also be a nested attribute.
///
/// Doc comments become the descriptions that users read. Words in `#[tf(...)]` call the
/// method of that name on the attribute's builder: `replace`, `default = true`,
/// `check(names::project)`.
#[proc_macro_derive(Model, attributes(tf))]
pub fn model(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    let expanded = expand(&input).unwrap_or_else(|errors| {
        // A stub next to the message, so that the compiler does not also
        // complain of every use of the missing impl.
        let (errors, model) = (errors.into_compile_error(), &input.ident);
        quote! {
            #errors
            impl crate::tf::Model for #model {
                fn schema() -> crate::tf::Schema { unreachable!() }
                fn decode(_: crate::tf::Fields) -> ::core::result::Result<Self, crate::tf::Mismatch> { unreachable!() }
                fn encode(self) -> ::std::vec::Vec<crate::tf::Value> { unreachable!() }
            }
        }
    });
    expanded.into()
}

fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => &fields.named,
            other => return Err(Error::new(other.span(), "a model needs named fields")),
        },
        _ => return Err(Error::new(input.ident.span(), "only a struct can be a model")),
    };

    // Report every mistake at once, not one per build.
    let mut mistakes: Option<Error> = None;
    let mut note = |error: Error| match &mut mistakes {
        Some(all) => all.combine(error),
        None => mistakes = Some(error),
    };

    let about = docs(&input.attrs, input.ident.span()).map_err(&mut note).ok();
    let parsed: Vec<_> =
        fields.iter().filter_map(|field| Parsed::of(field).map_err(&mut note).ok()).collect();
    if let Some(mistakes) = mistakes {
        return Err(mistakes);
    }

    let model = &input.ident;
    let attributes = parsed.iter().map(|Parsed { name, doc, field, words }| {
        let ty = &field.ty;
        let calls = words.iter().map(|Word { name, args }| quote!(.#name(#args)));
        // Spanned at the type, where "cannot be a Terraform attribute" belongs.
        let start = quote_spanned!(ty.span()=> crate::tf::attribute::<#ty>(#name, #doc));
        quote!(.attribute(#start #(#calls)*))
    });
    let takes = parsed.iter().map(|Parsed { name, field, .. }| {
        let ident = &field.ident;
        quote_spanned!(field.ty.span()=> #ident: fields.take(#name)?)
    });
    let encodes = parsed.iter().map(|Parsed { field, .. }| {
        let ident = &field.ident;
        quote!(crate::tf::Attr::encode(self.#ident))
    });
    Ok(quote! {
        impl crate::tf::Model for #model {
            fn schema() -> crate::tf::Schema {
                crate::tf::Schema::new(#about)#(#attributes)*
            }
            fn decode(mut fields: crate::tf::Fields) -> ::core::result::Result<Self, crate::tf::Mismatch> {
                Ok(Self { #(#takes,)* })
            }
            fn encode(self) -> ::std::vec::Vec<crate::tf::Value> {
                vec![#(#encodes,)*]
            }
        }
        impl crate::tf::Attr for #model {
            type Known = Self;
            fn kind() -> crate::tf::Kind {
                crate::tf::Kind::single(<Self as crate::tf::Model>::schema())
            }
            fn decode(value: crate::tf::Value) -> ::core::result::Result<Self, crate::tf::Mismatch> {
                <Self as crate::tf::Model>::decode(crate::tf::Fields::of(value)?)
            }
            fn encode(self) -> crate::tf::Value {
                crate::tf::Value::Object(<Self as crate::tf::Model>::encode(self))
            }
        }
    })
}

/// One field, taken apart.
struct Parsed<'a> {
    name: LitStr,
    doc: LitStr,
    field: &'a Field,
    words: Vec<Word>,
}

impl<'a> Parsed<'a> {
    fn of(field: &'a Field) -> Result<Self> {
        let Some(ident) = &field.ident else {
            return Err(Error::new(field.span(), "a model needs named fields"));
        };
        let name = LitStr::new(&ident.to_string(), ident.span());
        let (doc, words) = (docs(&field.attrs, ident.span()), words(&field.attrs));
        match (doc, words) {
            (Ok(doc), Ok(words)) => Ok(Parsed { name, doc, field, words }),
            (Err(mut one), Err(other)) => {
                one.combine(other);
                Err(one)
            }
            (Err(one), _) | (_, Err(one)) => Err(one),
        }
    }
}

/// The doc comment of an item; its absence is an error, since Terraform shows it to users.
fn docs(attrs: &[Attribute], span: proc_macro2::Span) -> Result<LitStr> {
    let mut lines = Vec::new();
    for attr in attrs.iter().filter(|a| a.path().is_ident("doc")) {
        if let Meta::NameValue(meta) = &attr.meta
            && let Expr::Lit(lit) = &meta.value
            && let syn::Lit::Str(line) = &lit.lit
        {
            lines.push(line.value().trim().to_owned());
        }
    }
    if lines.is_empty() {
        return Err(Error::new(
            span,
            "needs a `///` comment: it becomes the description users read in the registry",
        ));
    }
    Ok(LitStr::new(&lines.join("\n"), span))
}

/// `replace`, `default = true` or `check(length(1, 64))`.
struct Word {
    name: Ident,
    args: TokenStream,
}

impl Parse for Word {
    fn parse(input: ParseStream) -> Result<Self> {
        let name = input.parse()?;
        let args = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            let mut value = TokenStream::new();
            while !input.is_empty() && !input.peek(Token![,]) {
                value.extend([input.parse::<TokenTree>()?]);
            }
            value
        } else if input.peek(syn::token::Paren) {
            let inner;
            syn::parenthesized!(inner in input);
            inner.parse()?
        } else {
            TokenStream::new()
        };
        Ok(Word { name, args })
    }
}

fn words(attrs: &[Attribute]) -> Result<Vec<Word>> {
    let mut words = Vec::new();
    for attr in attrs.iter().filter(|a| a.path().is_ident("tf")) {
        words.extend(attr.parse_args_with(Punctuated::<Word, Token![,]>::parse_terminated)?);
    }
    Ok(words)
}
