//! What a writer costs, and what it leaves behind.
