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

#[cfg(feature = "alloc")]
pub use heap::Boxed;

#[cfg(feature = "alloc")]
mod heap {
    use alloc::boxed::Box;
    use core::fmt;
    use core::marker::PhantomData;
    use core::ops::{Deref, DerefMut};

    use super::{Flat, as_mut_slice, as_slice};
    use crate::kernels::Real;

    /// Parameters that are too large for the stack. A `Box` would pass through it where it is filled or cloned; this
    /// is made and copied on the heap.
    pub struct Boxed<T: Real, P: Flat<T>> {
        params: Box<P>,
        scalar: PhantomData<T>,
    }

    impl<T: Real, P: Flat<T>> Boxed<T, P> {
        /// Zeros.
        #[must_use]
        pub fn zeroed() -> Self {
            let params = Box::<P>::new_zeroed();
            // SAFETY: `Flat` promises that zeros are a valid value.
            Self { params: unsafe { params.assume_init() }, scalar: PhantomData }
        }
    }

    impl<T: Real, P: Flat<T>> Clone for Boxed<T, P> {
        fn clone(&self) -> Self {
            let mut copy = Self::zeroed();
            as_mut_slice::<T, P>(&mut copy).copy_from_slice(as_slice::<T, P>(self));
            copy
        }
    }

    impl<T: Real, P: Flat<T>> Deref for Boxed<T, P> {
        type Target = P;

        fn deref(&self) -> &P {
            &self.params
        }
    }

    impl<T: Real, P: Flat<T>> DerefMut for Boxed<T, P> {
        fn deref_mut(&mut self) -> &mut P {
            &mut self.params
        }
    }

    impl<T: Real, P: Flat<T> + fmt::Debug> fmt::Debug for Boxed<T, P> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            (**self).fmt(f)
        }
    }
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
    fn boxed_parameters_start_from_zero_and_are_copied() {
        let mut params = Boxed::<f32, Params>::zeroed();
        assert!(as_slice::<f32, Params>(&params).iter().all(|&x| x == 0.0));
        assert_eq!(core::ptr::from_ref(&*params) as usize % 64, 0);
        params.bias[1] = 3.0;
        let copy = params.clone();
        params.bias[1] = 4.0;
        assert_eq!(copy.bias, [0.0, 3.0, 0.0]);
    }

    crate::flat! {
        /// More than a thread's stack.
        struct Large: f32 {
            weight: [[f32; 1024]; 4096],
        }
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn boxed_parameters_never_pass_through_the_stack() {
        let mut params = Boxed::<f32, Large>::zeroed();
        params.weight[4095][1023] = 1.0;
        assert_eq!(params.clone().weight[4095][1023], 1.0);
    }
}
