function outliers() {
  const part = section('Do outliers matter?',
    'What plain rounding of weights and inputs costs, and what the activations of the full-precision models look like. Position 0, which often carries huge values, is shown with and without.');
  naive(part);
  if (!data.outliers.length) return;
  const controls = make('div', {class: 'controls'}), holder = make('div', {class: 'grid'});
  part.append(controls, holder);
  const sets = unique(data.outliers.map(o => o.set)), kinds = data.outliers[0].kinds.map(k => k.kind);
  const draw = () => { holder.replaceChildren(); histograms(holder, set()); curves(holder, set(), kind()); maps(holder, set(), kind()); };
  const set = choose(controls, 'map-set', 'text', sets, draw);
  const kind = choose(controls, 'map-kind', 'site', kinds, draw);
  draw();
  if (data.overlaps.length) {
    part.append(make('h3', {}, 'Have different texts the same outlier channels?'));
    table(part, 'overlaps', [
      {name: 'model', text: true, value: r => r.model}, {name: 'site', text: true, value: r => r.kind},
      {name: 'set', text: true, value: r => r.first}, {name: 'and', text: true, value: r => r.second},
      {name: 'overlap of the top 1 % channels', value: r => r.top_channels}, {name: 'of LLM.int8 channels', value: r => r.int8_channels}], data.overlaps);
  }
  table(part, 'outliers', [
    {name: 'model', text: true, value: r => r.model}, {name: 'text', text: true, value: r => r.set},
    {name: 'tokens', value: r => r.tokens}, {name: 'LLM.int8 channels', value: r => r.int8_channels},
    {name: 'residual: largest / median', value: r => r.massive},
    {name: 'kurtosis of attention inputs', value: r => median(r.kinds[0].kurtosis_rest)},
    {name: 'of MLP inputs', value: r => median(r.kinds[1].kurtosis_rest)},
    {name: 'max / median of attention inputs', value: r => Math.max(...r.kinds[0].max_to_median)},
    {name: 'without position 0', value: r => Math.max(...r.kinds[0].max_to_median_rest)}], data.outliers);
}
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.floor(sorted.length / 2)] : null;
}
function naive(parent) {
  const text = data.evaluations.find(e => e.kind === 'text');
  const recipes = data.recipes.filter(r => r.input_bits !== null && r.weight_bits !== null).map(r => r.recipe);
  if (!text || !recipes.length) return;
  const of = (model, recipe) => data.methods.find(m => m.model === model && m.recipe === recipe && m.evaluation === text.evaluation && m.metric === 'ln_perplexity');
  const models = data.models.map(m => m.model).filter(model => recipes.some(r => of(model, r)));
  if (!models.length) return;
  const values = recipes.flatMap(r => models.map(m => of(m, r))).filter(Boolean).map(m => Math.exp(m.mean - m.full_precision));
  chart(parent, 'Perplexity times, with quantized inputs, on ' + text.evaluation, '1 is full precision; the default calibration set where a recipe reads one.', 280)({
    grid: {left: 60, right: 12, top: 36, bottom: 40}, legend: {top: 0}, tooltip: {trigger: 'axis', valueFormatter: v => number(v)},
    xAxis: {type: 'category', data: models, axisLabel: {interval: 0, fontSize: 11}},
    yAxis: {type: Math.max(...values) > 5 ? 'log' : 'value', scale: true, min: v => Math.min(1, v.min), axisLabel: {formatter: v => number(v, 4)}},
    series: recipes.map(r => ({type: 'bar', name: r, barMaxWidth: 34, data: models.map(m => { const f = of(m, r); return f ? Math.exp(f.mean - f.full_precision) : null; })}))});
}
function histograms(parent, set) {
  for (const kind of ['attention input', 'MLP input']) {
    const series = data.outliers.filter(o => o.set === set).map(o => ({
      type: 'line', name: o.model, showSymbol: false, lineStyle: {width: 1.8}, itemStyle: {color: modelColor(o.model)},
      data: o.kinds.find(k => k.kind === kind).histogram}));
    chart(parent, `How large are values? ${kind}`, 'Share of the values per octave of |x|, all blocks and tokens.', 280)({
      grid: {left: 62, right: 16, top: 40, bottom: 40}, legend: {type: 'scroll', top: 0}, tooltip: {trigger: 'axis', valueFormatter: v => number(v, 3)},
      xAxis: {type: 'value', scale: true, name: 'log2 |x|', nameLocation: 'middle', nameGap: 26},
      yAxis: {type: 'log', axisLine: {show: false, onZero: false}, axisTick: {show: false}, axisLabel: {formatter: v => v.toExponential(0)}}, series});
  }
}
function curves(parent, set, kind) {
  const series = [];
  for (const o of data.outliers.filter(x => x.set === set)) {
    const k = o.kinds.find(x => x.kind === kind), color = modelColor(o.model);
    const line = (name, values, type) => ({type: 'line', name, symbolSize: 4, lineStyle: {type, width: 1.6}, itemStyle: {color}, data: values.map((v, i) => [i, v > 0 ? v : null])});
    series.push(line(o.model, k.kurtosis, 'solid'), line(o.model + ', without position 0', k.kurtosis_rest, 'dashed'));
  }
  chart(parent, `Kurtosis of each block: ${kind}`, '3 is a Gaussian. Solid: all tokens; dashed: without position 0.', 280)({
    grid: {left: 62, right: 16, top: 40, bottom: 40}, legend: {type: 'scroll', top: 0}, tooltip: {trigger: 'axis', valueFormatter: v => number(v, 3)},
    xAxis: {type: 'value', name: 'block', nameLocation: 'middle', nameGap: 26, minInterval: 1}, yAxis: {type: 'log', axisLabel: {formatter: v => number(v, 3)}}, series});
}
function maps(parent, set, kind) {
  for (const o of data.outliers.filter(x => x.set === set)) {
    const k = o.kinds.find(x => x.kind === kind);
    for (const [rows, width, name] of [[k.channels, k.channels_per_column, 'channel'], [k.positions, k.positions_per_column, 'position']]) {
      const values = rows.flatMap((row, block) => row.map((v, i) => [i, block, v > 0 ? Math.log10(v) : -3]));
      const all = values.map(v => v[2]).sort((a, b) => a - b);
      chart(parent, `${o.model}: largest |x|, block × ${name}`, width > 1 ? `${width} ${name}s in a column` : '', 250)({
        grid: {left: 44, right: 74, top: 10, bottom: 40}, tooltip: {formatter: p => `block ${p.data[1]}, ${name} ${p.data[0] * width}: ${number(10 ** p.data[2], 3)}`},
        xAxis: {type: 'category', data: rows[0].map((_, i) => i * width), name, nameLocation: 'middle', nameGap: 24, axisTick: {show: false}},
        yAxis: {type: 'category', data: rows.map((_, i) => i), name: ''},
        visualMap: {type: 'continuous', calculable: true, right: 0, top: 'center', itemHeight: 130, itemWidth: 11, min: all[Math.floor(all.length * 0.02)], max: all[all.length - 1], dimension: 2,
          formatter: v => number(10 ** v, 2), textStyle: {fontSize: 10}, inRange: {color: ['#00000a', '#50126e', '#b93755', '#fa8c14', '#fcffbe']}},
        series: [{type: 'heatmap', data: values, progressive: 0, itemStyle: {borderWidth: 0}}]});
    }
  }
}
function choices() {
  const part = section('What to take', 'Loss over stored bits per linear weight, with the default calibration set. Filled marks are on the Pareto front: nothing else loses less with as few bits.');
  const holder = make('div', {class: 'grid'});
  part.append(holder);
  for (const r of data.recommendations) {
    const all = [...(r.chosen ? [r.chosen] : []), ...r.others];
    const metric = r.metric, points = all.map(c => ({value: [c.bits, shownValue(metric, c.loss)], error: shownError(metric, c.loss, c.error), name: c.recipe, front: c.front}));
    chart(holder, `${r.model}, on ${r.evaluation}`, r.chosen ? `under ${number(r.budget, 3)} bits: ${r.chosen.recipe}` : 'nothing fits', 330)({
      grid: {left: 62, right: 30, top: 20, bottom: 42},
      tooltip: {formatter: p => `${p.data.name}<br>${number(p.data.value[0])} bits, ${number(p.data.value[1])} ± ${number(p.data.error, 2)}`},
      xAxis: {type: 'value', scale: true, name: 'bits per weight', nameLocation: 'middle', nameGap: 26},
      yAxis: {...axisOf(points.map(p => p.value[1]), metric === 'accuracy'), axisLabel: {formatter: v => number(v, 3)}},
      series: [
        {type: 'line', silent: true, symbol: 'none', step: 'end', lineStyle: {color: '#9db7d0', type: 'dashed'}, data: points.filter(p => p.front).map(p => p.value).sort((a, b) => a[0] - b[0])},
        {type: 'scatter', symbolSize: 11, data: points.map(p => ({...p, itemStyle: {color: p.front ? '#0b6cb5' : '#fff', borderColor: '#0b6cb5', borderWidth: 1.5}})),
          label: {show: true, formatter: p => p.data.name, position: 'right', fontSize: 10, color: '#333'}, labelLayout: {hideOverlap: true, moveOverlap: 'shiftY'}},
        errorSeries(points.map(p => [p.value[0], p.value[1], p.error]), 'errors')]});
  }
  const rows = data.recommendations.flatMap(r => [...(r.chosen ? [r.chosen] : []), ...r.others].map(c => ({...c, model: r.model, metric: r.metric, taken: r.chosen && c.recipe === r.chosen.recipe})));
  table(part, 'candidates', [
    {name: 'model', text: true, value: r => r.model}, {name: 'recipe', text: true, value: r => r.recipe}, {name: 'bits', value: r => r.bits},
    {name: 'loss', value: r => r.loss}, {name: '± error', value: r => r.error}, {name: 'front', text: true, value: r => r.front ? 'yes' : ''},
    {name: 'why', text: true, wrap: true, value: r => withSign(r.why), mark: r => r.taken ? 'better' : ''}], rows);
  if (data.rules.length) {
    part.append(make('h3', {}, 'Published rules beside these measurements'));
    part.append(make('p', {class: 'legend'}, 'Rules for plain rounding of models from 7 to 180 billion parameters (arXiv:2402.18158); a small model that disagrees is no counterexample.'));
    table(part, 'rules', [
      {name: 'model', text: true, value: r => r.model}, {name: 'setting', text: true, value: r => r.setting}, {name: 'rule', text: true, wrap: true, value: r => r.statement},
      {name: 'measured with', text: true, value: r => r.recipe}, {name: 'perplexity ×', value: r => r.ratio}, {name: '± error', value: r => r.error},
      {name: 'here', text: true, value: r => r.verdict, mark: r => r.verdict === 'agrees' ? 'better' : r.verdict === 'does not agree' ? 'worse' : 'none'}], data.rules);
  }
  if (data.tolerance.length) {
    part.append(make('h3', {}, 'What is left of tasks above chance'));
    part.append(make('p', {class: 'legend'}, 'Retained: (accuracy − chance) / (accuracy of full precision − chance); no loss is 0.98 or more (arXiv:2402.18158). Empty where full precision is not above chance.'));
    table(part, 'tolerance', [
      {name: 'model', text: true, value: r => r.model}, {name: 'recipe', text: true, value: r => r.recipe}, {name: 'task', text: true, value: r => r.evaluation},
      {name: 'accuracy, %', value: r => 100 * r.accuracy}, {name: 'full precision, %', value: r => 100 * r.full_precision}, {name: 'chance, %', value: r => 100 * r.chance},
      {name: 'retained', value: r => r.retained}, {name: '± error', value: r => r.error},
      {name: 'here', text: true, value: r => r.verdict, mark: r => r.verdict === 'no loss' ? 'better' : r.verdict === 'loss' ? 'worse' : 'none'}], data.tolerance);
  }
}
function everything() {
  const part = section('All cells', 'A recipe that reads no data has one cell, shown with the first set. Click a column’s head to sort.');
  table(part, 'cells', [
    {name: 'model', text: true, value: r => r.model}, {name: 'recipe', text: true, value: r => r.recipe}, {name: 'set', text: true, value: r => isFree(r.recipe) ? '' : r.set},
    {name: 'draw', value: r => isFree(r.recipe) ? null : r.draw}, {name: 'measured on', text: true, value: r => r.evaluation},
    {name: 'KL', value: r => r.kl}, {name: '± KL', value: r => r.kl_stderr}, {name: 'perplexity', value: r => r.perplexity}, {name: '± perplexity', value: r => r.perplexity_stderr},
    {name: 'same top, %', value: r => r.same_top === null ? null : 100 * r.same_top}, {name: 'accuracy, %', value: r => r.accuracy === null ? null : 100 * r.accuracy}, {name: '± accuracy', value: r => r.accuracy_stderr === null ? null : 100 * r.accuracy_stderr},
    {name: 'bits', value: r => r.bits_per_weight}, {name: 'MB', value: r => r.packed_bytes / 1e6}, {name: 's to quantize', value: r => r.quantize_seconds}, {name: 's to evaluate', value: r => r.evaluate_seconds},
    {name: 'peak memory, MB', value: r => r.peak_memory_bytes / 1e6},
    {name: 'techniques', text: true, value: r => r.techniques}, {name: 'error', text: true, wrap: true, value: r => r.error, mark: () => 'worse'}], data.rows);
  part.append(make('h3', {}, 'Calibration draws'));
  table(part, 'draws', [
    {name: 'model', text: true, value: r => r.model}, {name: 'set', text: true, value: r => r.set}, {name: 'draw', value: r => r.draw}, {name: 'seed', value: r => r.seed},
    {name: 'sequences', value: r => r.sequences}, {name: 'tokens', value: r => r.tokens}, {name: 'distinct', value: r => r.distinct_tokens}, {name: 'entropy, bits', value: r => r.entropy_bits},
    {name: 'KL(evaluated tokens ‖ these)', value: r => r.token_kl}, {name: 'SHA-256 of the ids', text: true, value: r => r.sha256.slice(0, 16)}], data.draws);
}
function provenance() {
  const part = section('What made this page');
  const list = make('ul', {});
  for (const [key, value] of Object.entries(data.provenance)) if (!['source', 'schema'].includes(key)) list.append(make('li', {}, `${key}: ${value}`));
  for (const m of data.models) list.append(make('li', {}, `${m.model}: ${m.family}, ${m.layers} blocks of ${m.hidden}, ${(m.parameters / 1e6).toFixed(1)} M parameters${m.transform ? ', ' + m.transform : ''}, SHA-256 ${m.sha256.slice(0, 16)}`));
  for (const e of data.evaluations) list.append(make('li', {}, `${e.evaluation}: ${e.settings}, ${e.files}`));
  part.append(list);
  part.append(make('details', {}, make('summary', {}, 'The study’s file'), make('pre', {}, data.provenance.source || '')));
  part.append(make('details', {}, make('summary', {}, 'The recipes'), make('pre', {}, data.recipes.map(r => `# ${r.recipe}${r.anchor ? ' (added by every study)' : ''}\n${r.yaml}`).join('\n'))));
}
function render() {
  const scroll = window.scrollY;
  charts.splice(0).forEach(drawn => drawn.dispose());
  document.getElementById('page').replaceChildren();
  for (const part of [top_, sets, domains, outliers, choices, everything, provenance]) part();
  window.scrollTo(0, scroll);
}
window.addEventListener('resize', () => charts.forEach(drawn => drawn.resize()));
render();
document.documentElement.setAttribute('data-ready', 'true');
