package dev.halftone.text;

import tools.jackson.databind.node.ObjectNode;

/**
 * A tokenizer as Hugging Face keeps it.
 *
 * @param json tokenizer.json
 * @param config tokenizer_config.json
 * @param size ids are below it
 * @param bosId -1 if there is none
 * @param eosId -1 if there is none
 * @param kind "byte-level BPE (smollm)"
 */
record TokenizerFiles(String json, ObjectNode config, int size, int bosId, int eosId, boolean addsBos, String kind) {}
