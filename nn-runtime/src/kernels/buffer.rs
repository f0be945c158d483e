//! Buffers aligned to cache lines.
#![allow(unsafe_code)]

use core::ops::{Deref, DerefMut};

/// A value on a 64-byte boundary: arrays on the stack.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(64))]
pub struct Aligned<A>(pub A);

impl<A> Deref for Aligned<A> {
    type Target = A;

    #[inline(always)]
    fn deref(&self) -> &A {
        &self.0
    }
}

impl<A> DerefMut for Aligned<A> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut A {
        &mut self.0
    }
}

#[cfg(feature = "alloc")]
pub use heap::AlignedVec;

#[cfg(feature = "alloc")]
mod heap {
    use alloc::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
    use core::fmt;
    use core::ops::{Deref, DerefMut};
    use core::ptr::NonNull;

    use crate::kernels::Real;

    /// A heap buffer of fixed length on a 64-byte boundary. It is a slice.
    pub struct AlignedVec<T: Real> {
        data: NonNull<T>,
        len: usize,
    }

    impl<T: Real> AlignedVec<T> {
        /// `len` zeros.
        ///
        /// # Panics
        ///
        /// If the length exceeds the address space.
        #[must_use]
        pub fn zeroed(len: usize) -> Self {
            if len == 0 {
                return Self { data: NonNull::dangling(), len };
            }
            let layout = layout::<T>(len);
            // SAFETY: the layout is not empty.
            let data = unsafe { alloc_zeroed(layout) };
            match NonNull::new(data.cast()) {
                Some(data) => Self { data, len },
                None => handle_alloc_error(layout),
            }
        }
    }

    fn layout<T: Real>(len: usize) -> Layout {
        Layout::array::<T>(len)
            .and_then(|layout| layout.align_to(64))
            .expect("the buffer fits the address space")
    }

    impl<T: Real> Drop for AlignedVec<T> {
        fn drop(&mut self) {
            if self.len > 0 {
                // SAFETY: allocated in `zeroed` with the same layout.
                unsafe { dealloc(self.data.as_ptr().cast(), layout::<T>(self.len)) }
            }
        }
    }

    // SAFETY: the buffer is owned like a vector's, and `Real` is `Send + Sync`.
    unsafe impl<T: Real> Send for AlignedVec<T> {}
    // SAFETY: as above.
    unsafe impl<T: Real> Sync for AlignedVec<T> {}

    impl<T: Real> Deref for AlignedVec<T> {
        type Target = [T];

        #[inline]
        fn deref(&self) -> &[T] {
            // SAFETY: `data` points to `len` scalars, initialised with zeros.
            unsafe { core::slice::from_raw_parts(self.data.as_ptr(), self.len) }
        }
    }

    impl<T: Real> DerefMut for AlignedVec<T> {
        #[inline]
        fn deref_mut(&mut self) -> &mut [T] {
            // SAFETY: as in `deref`, and borrowed mutably.
            unsafe { core::slice::from_raw_parts_mut(self.data.as_ptr(), self.len) }
        }
    }

    impl<T: Real> Default for AlignedVec<T> {
        fn default() -> Self {
            Self::zeroed(0)
        }
    }

    impl<T: Real> From<&[T]> for AlignedVec<T> {
        fn from(values: &[T]) -> Self {
            let mut copy = Self::zeroed(values.len());
            copy.copy_from_slice(values);
            copy
        }
    }

    impl<T: Real> Clone for AlignedVec<T> {
        fn clone(&self) -> Self {
            Self::from(&**self)
        }
    }

    impl<T: Real> fmt::Debug for AlignedVec<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_list().entries(self.iter()).finish()
        }
    }

    impl<T: Real> PartialEq for AlignedVec<T> {
        fn eq(&self, other: &Self) -> bool {
            **self == **other
        }
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_zero_aligned_and_copied() {
        for len in [0, 1, 15, 16, 1000] {
            let mut x = AlignedVec::<f64>::zeroed(len);
            assert_eq!(x.len(), len);
            assert!(x.iter().all(|&x| x == 0.0));
            assert_eq!(x.as_ptr() as usize % if len == 0 { 8 } else { 64 }, 0);
            x.fill(3.0);
            let y = x.clone();
            assert_eq!(x, y);
            assert_eq!(AlignedVec::from(&y[..]), y);
        }
        let array = Aligned([1.0_f32; 3]);
        assert_eq!(array.as_ptr() as usize % 64, 0);
        assert_eq!(array.len(), 3);
    }
}
