-- The tables of a study. A statement ends with a semicolon at the end of a line.
CREATE TABLE IF NOT EXISTS meta (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS models (position INTEGER, model VARCHAR, name VARCHAR, sha256 VARCHAR, family VARCHAR, layers INTEGER, hidden INTEGER, parameters BIGINT, bits_per_parameter DOUBLE, transform VARCHAR);
CREATE TABLE IF NOT EXISTS recipes (position INTEGER, recipe VARCHAR, yaml VARCHAR, data_free BOOLEAN, anchor BOOLEAN, weight_bits INTEGER, weight_group INTEGER, weight_mode VARCHAR, input_bits INTEGER, cache_bits INTEGER, transforms VARCHAR, solver VARCHAR);
CREATE TABLE IF NOT EXISTS sets (position INTEGER, set_name VARCHAR, source VARCHAR, variant VARCHAR, files VARCHAR, nonsense BOOLEAN, is_default BOOLEAN);
CREATE TABLE IF NOT EXISTS draws (model VARCHAR, set_name VARCHAR, draw INTEGER, seed BIGINT, sha256 VARCHAR, file VARCHAR, sequences INTEGER, length INTEGER, tokens BIGINT, distinct_tokens INTEGER, entropy_bits DOUBLE, bos BOOLEAN);
CREATE TABLE IF NOT EXISTS distances (model VARCHAR, set_name VARCHAR, draw INTEGER, evaluation VARCHAR, token_kl DOUBLE);
CREATE TABLE IF NOT EXISTS evaluations (position INTEGER, evaluation VARCHAR, kind VARCHAR, settings VARCHAR, files VARCHAR);
CREATE TABLE IF NOT EXISTS grid (model VARCHAR, recipe VARCHAR, set_name VARCHAR, draw INTEGER, evaluation VARCHAR, cell VARCHAR);
CREATE TABLE IF NOT EXISTS cells (cell VARCHAR NOT NULL, status VARCHAR NOT NULL, error_code VARCHAR, error VARCHAR, perplexity DOUBLE, perplexity_stderr DOUBLE, kl DOUBLE, kl_stderr DOUBLE, kl_median DOUBLE, kl_p99 DOUBLE, same_top DOUBLE, same_top_stderr DOUBLE, reference_kl_error DOUBLE, accuracy DOUBLE, accuracy_stderr DOUBLE, accuracy_norm DOUBLE, accuracy_norm_stderr DOUBLE, chance DOUBLE, bits_per_weight DOUBLE, bits_per_parameter DOUBLE, packed_bytes BIGINT, techniques VARCHAR, fell_back BOOLEAN, events INTEGER, quantize_seconds DOUBLE, evaluate_seconds DOUBLE, peak_memory_bytes BIGINT, provenance VARCHAR, code VARCHAR);
CREATE TABLE IF NOT EXISTS windows (cell VARCHAR, window_index INTEGER, scored INTEGER, nll DOUBLE, kl DOUBLE);
CREATE TABLE IF NOT EXISTS items (cell VARCHAR, item INTEGER, is_right BOOLEAN, is_right_norm BOOLEAN, margin DOUBLE, score DOUBLE, answer VARCHAR);
CREATE TABLE IF NOT EXISTS maps (model VARCHAR, set_name VARCHAR, file VARCHAR, sequences INTEGER, tokens BIGINT);
CREATE TABLE IF NOT EXISTS sites (model VARCHAR, set_name VARCHAR, block INTEGER, kind VARCHAR, part VARCHAR, absmax DOUBLE, absmean DOUBLE, rms DOUBLE, median DOUBLE, max_to_mean DOUBLE, max_to_median DOUBLE, kurtosis DOUBLE, channel_spread DOUBLE, six_sigma_share DOUBLE);
CREATE OR REPLACE VIEW results AS SELECT g.model, g.recipe, g.set_name, g.draw, g.evaluation, s.nonsense, s.is_default, r.data_free, r.anchor, r.weight_bits, r.input_bits, r.cache_bits, c.* FROM grid g JOIN cells c USING (cell) JOIN sets s USING (set_name) JOIN recipes r USING (recipe);
