//! The C ABI of the Resource API: types, function tables, codes and property lists.
