package org.junit.jupiter.api;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;

/** Stands in for JUnit's on machines that do not have it. */
@Retention(RetentionPolicy.RUNTIME)
public @interface Test {}
