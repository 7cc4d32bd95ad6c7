package org.junit.jupiter.api.parallel;

/** Stands in for JUnit's on machines that do not have it. */
public enum ExecutionMode { CONCURRENT }
