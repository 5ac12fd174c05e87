package org.elasticsearch.dissect;

/** The library of the DISSECT command is not published; the parser only has to find this name. */
public abstract class DissectException extends RuntimeException {}
