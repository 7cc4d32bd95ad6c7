package org.junit.jupiter.api;

/** Stands in for JUnit's on machines that do not have it. */
public final class Assertions {
    private Assertions() {}

    public static void assertTrue(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
