//! Typed parameters and one flat slice over the same memory.
#![allow(unsafe_code)]

use super::Real;

/// A type that is nothing but scalars `T` in a row: `T` itself, arrays of such types, and the structs of
/// [`flat!`](crate::flat).
///
/// # Safety
///
/// The first [`LEN`](Self::LEN)` * size_of::<T>()` bytes of the type are `LEN` values of `T`, at an address
/// aligned for `T`; any bits in them, and zeros in what follows, are a valid value.
pub unsafe trait Flat<T: Real>: Sized {
    /// Number of scalars.
    const LEN: usize;
}

// SAFETY: one scalar; every bit pattern is a float.
unsafe impl Flat<f32> for f32 {
    const LEN: usize = 1;
}

// SAFETY: as above.
unsafe impl Flat<f64> for f64 {
    const LEN: usize = 1;
}

// SAFETY: an array has no pads of its own, and the assertion rejects elements that end in pads.
unsafe impl<T: Real, A: Flat<T>, const N: usize> Flat<T> for [A; N] {
    const LEN: usize = {
        assert!(size_of::<A>() == A::LEN * size_of::<T>(), "elements of an array must have no pads");
        N * A::LEN
    };
}

/// Every scalar of `params`, in the order of the fields, arrays row-major.
#[inline]
pub fn as_slice<T: Real, P: Flat<T>>(params: &P) -> &[T] {
    // SAFETY: `Flat` promises `LEN` scalars at the address of `params`, which the slice borrows.
    unsafe { core::slice::from_raw_parts(core::ptr::from_ref(params).cast(), P::LEN) }
}

/// Every scalar of `params`, to be written.
#[inline]
pub fn as_mut_slice<T: Real, P: Flat<T>>(params: &mut P) -> &mut [T] {
    // SAFETY: as in `as_slice`; any value of a scalar is a valid one for `P`.
    unsafe { core::slice::from_raw_parts_mut(core::ptr::from_mut(params).cast(), P::LEN) }
}

/// Zeros on the heap, without passing through the stack.
#[cfg(feature = "alloc")]
#[must_use]
pub fn boxed_zeroed<T: Real, P: Flat<T>>() -> alloc::boxed::Box<P> {
    let params = alloc::boxed::Box::<P>::new_zeroed();
    // SAFETY: `Flat` promises that zeros are a valid value.
    unsafe { params.assume_init() }
}

/// Declares a struct of scalars and arrays of scalars, aligned to a cache line, that is [`Flat`]:
///
/// ```
/// nn_runtime::flat! {
///     /// Parameters of a layer.
///     #[derive(Clone, Debug)]
///     pub struct LayerParams: f32 {
///         /// From three inputs to two outputs.
///         pub weight: [[f32; 2]; 3],
///         /// Of the two outputs.
///         pub bias: [f32; 2],
///     }
/// }
///
/// let mut params = LayerParams { weight: [[0.0; 2]; 3], bias: [1.0, 2.0] };
/// nn_runtime::kernels::params::as_mut_slice(&mut params)[5] = 7.0;
/// assert_eq!(params.weight[2][1], 7.0);
/// ```
#[macro_export]
macro_rules! flat {
    (
        $(#[$attribute:meta])*
        $vis:vis struct $Name:ident : $T:ty {
            $( $(#[$field_attribute:meta])* $field_vis:vis $field:ident : $Field:ty ),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[repr(C, align(64))]
        $vis struct $Name { $( $(#[$field_attribute])* $field_vis $field: $Field, )* }

        // SAFETY: `repr(C)` puts the fields in a row, and the assertions reject fields with pads at their end
        // or in front of them; the alignment of a line is a multiple of that of a scalar. There is no `allow` here:
        // lints leave what another crate's macro writes alone, and a crate that forbids unsafe code forbids to allow it.
        unsafe impl $crate::kernels::Flat<$T> for $Name {
            const LEN: usize = {
                #[allow(unused_mut)]
                let mut len = 0;
                $(
                    ::core::assert!(::core::mem::offset_of!($Name, $field) == len * ::core::mem::size_of::<$T>());
                    len += <$Field as $crate::kernels::Flat<$T>>::LEN;
                )*
                ::core::assert!(::core::mem::size_of::<$Name>() >= len * ::core::mem::size_of::<$T>());
                len
            };
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::flat! {
        #[derive(Clone)]
        struct Params: f32 {
            weight: [[f32; 3]; 2],
            scale: f32,
            bias: [f32; 3],
        }
    }

    #[test]
    fn fields_and_slice_are_the_same_memory() {
        assert_eq!(<Params as Flat<f32>>::LEN, 10);
        let mut params =
            Params { weight: [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], scale: 7.0, bias: [8.0, 9.0, 10.0] };
        assert!(as_slice(&params).iter().copied().eq((1..=10).map(|i| i as f32)));
        as_mut_slice(&mut params)[6] = -1.0;
        assert_eq!(params.scale, -1.0);
        assert_eq!(params.clone().bias[2], 10.0);
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn boxed_parameters_start_from_zero() {
        let params = boxed_zeroed::<f32, Params>();
        assert!(as_slice::<f32, Params>(&params).iter().all(|&x| x == 0.0));
        assert_eq!(core::ptr::from_ref(&*params) as usize % 64, 0);
    }
}
