package org.elasticsearch.xpack.versionfield;

/** The field type `version` is not published; comparisons only have to find this name. */
public abstract class Version implements Comparable<Version> {}
