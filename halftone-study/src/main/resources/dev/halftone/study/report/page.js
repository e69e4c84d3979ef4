'use strict';
// Draws the document in #data. Every number on the page is in it; nothing is fetched, but where the page is live the document itself.
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#7a5195', '#8c564b', '#666666', '#b8b800'];
const METRICS = {kl: 'KL divergence from full precision, nats per token', ln_perplexity: 'perplexity', accuracy: 'accuracy, %'};
const charts = [];
let data = JSON.parse(document.getElementById('data').textContent);

// ---- small helpers ----
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  for (const child of children) element.append(child);
  return element;
}
function number(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return '';
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-4)) return value.toExponential(2);
  return size >= 1000 ? value.toFixed(0) : Number(value.toPrecision(digits)).toString();
}
const shownValue = (metric, value) => metric === 'ln_perplexity' ? Math.exp(value) : metric === 'accuracy' ? 100 * value : value;
const shownError = (metric, value, error) => metric === 'ln_perplexity' ? Math.exp(value) * error : metric === 'accuracy' ? 100 * error : error;
const withSign = text => text.replaceAll(' +- ', ' ± ');
const counted = (n, one) => `${n} ${one}${n === 1 ? '' : 's'}`;
const unique = values => [...new Set(values)];
const isFree = recipe => data.recipes.find(r => r.recipe === recipe)?.data_free ?? false;
const setNames = () => data.sets.map(s => s.set);
const defaultSet = () => data.sets.find(s => s.is_default)?.set;
const setColor = set => COLORS[setNames().indexOf(set) % COLORS.length];
const modelColor = model => COLORS[data.models.findIndex(m => m.model === model) % COLORS.length];
function metricsOf(evaluation) {
  return data.evaluations.find(e => e.evaluation === evaluation)?.kind === 'choice' ? ['accuracy'] : ['kl', 'ln_perplexity'];
}

// ---- building blocks ----
function chart(parent, title, about, height = 320) {
  const card = make('div', {class: 'card'}, make('h3', {}, title));
  if (about) card.append(make('p', {class: 'legend'}, about));
  const place = make('div', {class: 'chart', style: `height:${height}px`, role: 'img', 'aria-label': title});
  card.append(place);
  parent.append(card);
  return option => {
    const drawn = echarts.getInstanceByDom(place) || echarts.init(place, null, {renderer: 'canvas'});
    if (!charts.includes(drawn)) charts.push(drawn);
    drawn.setOption({animation: false, color: COLORS, textStyle: {fontFamily: 'system-ui, DejaVu Sans, sans-serif'}, ...option}, true);
    place.setAttribute('data-drawn', 'true');
  };
}
// columns: {name, value(row), show(row)?, text?, wrap?, mark(row)?}
function table(parent, id, columns, rows) {
  const body = make('tbody', {});
  const head = make('tr', {});
  let sorted = {column: -1, up: true};
  function fill(list) {
    body.replaceChildren(...list.map(row => make('tr', {}, ...columns.map(c => {
      const cell = make('td', {class: [c.text ? 'text' : '', c.wrap ? 'wrap' : '', c.mark ? c.mark(row) : ''].join(' ')});
      cell.textContent = c.show ? c.show(row) : c.text ? (c.value(row) ?? '') : number(c.value(row));
      return cell;
    }))));
  }
  columns.forEach((column, i) => {
    const th = make('th', {class: column.text ? 'text' : '', scope: 'col', tabindex: '0'}, column.name);
    const sort = () => {
      const up = sorted.column === i ? !sorted.up : true;
      sorted = {column: i, up};
      [...head.children].forEach(other => other.removeAttribute('aria-sort'));
      th.setAttribute('aria-sort', up ? 'ascending' : 'descending');
      const empty = v => v === null || v === undefined || v === '' || Number.isNaN(v);
      fill([...rows].sort((a, b) => {
        const x = column.value(a), y = column.value(b);
        if (empty(x) || empty(y)) return empty(x) - empty(y);
        const order = typeof x === 'string' ? x.localeCompare(y, 'en', {numeric: true}) : x - y;
        return up ? order : -order;
      }));
    };
    th.addEventListener('click', sort);
    th.addEventListener('keydown', event => { if (event.key === 'Enter') sort(); });
    head.append(th);
  });
  fill(rows);
  parent.append(make('div', {class: 'scroll'}, make('table', {id}, make('thead', {}, head), body)));
}
const remembered = {};
function choose(parent, key, label, values, change) {
  const select = make('select', {'aria-label': label}, ...values.map(value => make('option', {value}, value)));
  if (values.includes(remembered[key])) select.value = remembered[key];
  select.addEventListener('change', () => { remembered[key] = select.value; change(); });
  if (values.length > 1) parent.append(make('label', {}, label + ' ', select));
  return () => select.value || values[0];
}
function section(title, about) {
  const part = make('section', {}, make('h2', {}, title));
  if (about) part.append(make('p', {class: 'about'}, about));
  document.getElementById('page').append(part);
  return part;
}
// Bars or points with two standard errors. points: [x, value, error, name, color, hollow]
function errorSeries(points, name) {
  return {
    type: 'custom', name, silent: true, z: 3, data: points.map(p => [p[0], p[1] - 2 * p[2], p[1] + 2 * p[2]]),
    encode: {x: 0, y: [1, 2]}, tooltip: {show: false},
    renderItem(_, api) {
      const low = api.coord([api.value(0), api.value(1)]), high = api.coord([api.value(0), api.value(2)]);
      if (!Number.isFinite(low[1]) || !Number.isFinite(high[1])) return null;
      return {type: 'group', children: [
        {type: 'line', shape: {x1: low[0], y1: low[1], x2: high[0], y2: high[1]}, style: {stroke: '#444', lineWidth: 1}},
        {type: 'line', shape: {x1: low[0] - 3, y1: low[1], x2: low[0] + 3, y2: low[1]}, style: {stroke: '#444', lineWidth: 1}},
        {type: 'line', shape: {x1: high[0] - 3, y1: high[1], x2: high[0] + 3, y2: high[1]}, style: {stroke: '#444', lineWidth: 1}}]};
    }
  };
}
function axisOf(values, percent) {
  const positive = values.filter(v => v > 0), high = Math.max(...positive), low = Math.min(...positive);
  const log = !percent && positive.length === values.length && high / low > 30;
  return log ? {type: 'log', min: 10 ** Math.floor(Math.log10(low)), max: 10 ** Math.ceil(Math.log10(high))} : {type: 'value', scale: true};
}

// ---- the parts of the page ----
function top_() {
  const page = document.getElementById('page');
  page.append(make('h1', {}, data.study));
  page.append(make('div', {class: 'answer', id: 'answer'}, ...data.answer.map(sentence => make('p', {}, withSign(sentence)))));
  const chips = make('div', {class: 'chips'});
  for (const text of [counted(data.models.length, 'model'), counted(data.recipes.length, 'recipe'), counted(data.sets.length, 'calibration set'),
    counted(Number(data.provenance.draws), 'draw') + ' each', counted(data.evaluations.length, 'evaluation'), `${data.done} of ${data.cells} cells`,
    ...(data.failed ? [`${data.failed} failed`] : [])]) chips.append(make('span', {}, text));
  page.append(chips);
  if (data.done < data.cells) {
    page.append(make('div', {class: 'progress', role: 'progressbar', 'aria-valuenow': data.done, 'aria-valuemax': data.cells},
      make('div', {style: `width:${100 * data.done / data.cells}%`})));
  }
}
function sets() {
  const part = section('Does the calibration set matter?',
    'Each mark is a recipe calibrated on one set, the mean over its draws with two standard errors. Triangles are nonsense sets. The line is full precision. Recipes that read no data are one mark.');
  const controls = make('div', {class: 'controls'}), holder = make('div', {class: 'grid'});
  part.append(controls, holder);
  const draw = () => { holder.replaceChildren(); data.models.forEach(model => setChart(holder, model.model, evaluation(), metric())); };
  const evaluation = choose(controls, 'evaluation', 'measured on', data.evaluations.map(e => e.evaluation), draw);
  const metric = choose(controls, 'metric', 'by', unique(data.evaluations.flatMap(e => metricsOf(e.evaluation))), draw);
  draw();
  gapChart(part);
  distances(part);
  part.append(make('h3', {}, 'Sets against the default set'));
  effectTable(part);
  part.append(make('h3', {}, 'Susceptibility of each recipe'));
  part.append(make('p', {class: 'legend'}, 'Perplexity: (worst set - best set) / full precision. Between sets: standard deviation beyond what draws explain.'));
  methodTable(part);
}
function setChart(parent, model, evaluation, wanted) {
  const metric = metricsOf(evaluation).includes(wanted) ? wanted : metricsOf(evaluation)[0];
  const figures = data.figures.filter(f => f.model === model && f.evaluation === evaluation && f.metric === metric);
  const full = data.methods.find(m => m.model === model && m.evaluation === evaluation && m.metric === metric)?.full_precision;
  const recipes = data.recipes.map(r => r.recipe).filter(r => r !== 'full-precision' && figures.some(f => f.recipe === r));
  if (!recipes.length) return;
  const draw = chart(parent, model);
  const points = {}, errors = [];
  for (const figure of figures) {
    const at = recipes.indexOf(figure.recipe);
    if (at < 0 || (isFree(figure.recipe) && figure.set !== defaultSet())) continue;
    const index = setNames().indexOf(figure.set), count = setNames().length;
    const x = isFree(figure.recipe) ? at : at + 0.7 * ((index + 0.5) / count - 0.5);
    const value = shownValue(metric, figure.mean), error = shownError(metric, figure.mean, figure.error);
    const name = isFree(figure.recipe) ? 'reads no data' : figure.set;
    (points[name] = points[name] || []).push({value: [x, value], error, recipe: figure.recipe, nonsense: figure.nonsense && !isFree(figure.recipe)});
    errors.push([x, value, error]);
  }
  const values = errors.map(e => e[1]);
  draw({
    grid: {left: 62, right: 12, top: 52, bottom: recipes.length > 4 ? 74 : 34},
    legend: {type: 'scroll', top: 0, itemWidth: 12, textStyle: {fontSize: 11}, data: Object.keys(points)},
    tooltip: {formatter: p => `${p.data.recipe}<br>${p.seriesName}: ${number(p.data.value[1])} ± ${number(p.data.error, 2)}`},
    xAxis: {type: 'value', min: -0.5, max: recipes.length - 0.5, interval: 1, splitLine: {show: false}, axisTick: {show: false},
      axisLabel: {show: false}, axisLine: {onZero: false}},
    yAxis: {...axisOf(metric === 'ln_perplexity' ? [...values, Math.exp(full)] : values, metric === 'accuracy'), name: metric === 'kl' ? 'KL' : METRICS[metric], nameTextStyle: {align: 'left'}, axisLine: {show: false, onZero: false}, axisLabel: {formatter: v => number(v, 3)}},
    series: [
      ...Object.entries(points).map(([name, list]) => ({
        type: 'scatter', name, data: list, symbolSize: 9, symbol: list[0].nonsense ? 'triangle' : 'circle',
        itemStyle: {color: name === 'reads no data' ? '#444' : setColor(name)}})),
      errorSeries(errors, 'errors'),
      {type: 'scatter', name: 'recipes', silent: true, symbolSize: 0, data: recipes.map((r, i) => ({value: [i, values.length ? Math.min(...values) : 0], recipe: r}))
        , tooltip: {show: false}, markLine: metric === 'kl' ? undefined : {silent: true, symbol: 'none', lineStyle: {color: '#444', type: 'dashed'},
        label: {formatter: 'full precision', position: 'insideStartTop', fontSize: 10}, data: [{yAxis: shownValue(metric, full)}]}},
      {type: 'custom', name: 'names', silent: true, data: recipes.map((_, i) => [i]), encode: {x: 0}, tooltip: {show: false}, clip: false,
        renderItem(params, api) {
          const box = params.coordSys, x = api.coord([api.value(0), values[0] || 1])[0];
          return {type: 'text', x, y: box.y + box.height + 8, rotation: recipes.length > 4 ? 0.5 : 0,
            style: {text: recipes[api.value(0)], align: recipes.length > 4 ? 'right' : 'center', verticalAlign: 'top', fontSize: 11, fill: '#333'}};
        }}]
  });
}
function gapChart(parent) {
  const text = data.evaluations.find(e => e.kind === 'text');
  if (!text) return;
  const methods = data.methods.filter(m => m.evaluation === text.evaluation && m.metric === 'ln_perplexity' && m.nonsense_gap !== null && !isFree(m.recipe));
  const recipes = unique(methods.map(m => m.recipe));
  if (!recipes.length) return;
  const draw = chart(parent, 'Nonsense gap: ln(perplexity after nonsense / after the default set), on ' + text.evaluation,
    'Mean over the nonsense sets, two standard errors. 0: what the calibration text says does not matter.', 280);
  const models = data.models.map(m => m.model);
  const series = models.map((model, i) => ({type: 'bar', name: model, itemStyle: {color: modelColor(model)}, barMaxWidth: 26,
    data: recipes.map(r => methods.find(m => m.model === model && m.recipe === r)?.nonsense_gap ?? null)}));
  // Bars stand side by side around their category; errors are drawn on their middles.
  series.push({type: 'custom', name: 'errors', silent: true, z: 5, tooltip: {show: false},
    data: models.flatMap((model, i) => recipes.map((r, j) => {
      const m = methods.find(x => x.model === model && x.recipe === r);
      return m ? [j, m.nonsense_gap - 2 * m.nonsense_error, m.nonsense_gap + 2 * m.nonsense_error, i] : null;
    }).filter(Boolean)),
    renderItem(_, api) {
      const bars = api.barLayout({count: models.length, barMaxWidth: 26});
      const bar = bars[api.value(3)] || bars[0];
      const low = api.coord([api.value(0), api.value(1)]), high = api.coord([api.value(0), api.value(2)]);
      const x = low[0] + bar.offsetCenter;
      return {type: 'line', shape: {x1: x, y1: low[1], x2: x, y2: high[1]}, style: {stroke: '#333', lineWidth: 1.2}};
    }});
  draw({grid: {left: 60, right: 12, top: 36, bottom: 40}, legend: {top: 0, data: models}, tooltip: {trigger: 'axis', valueFormatter: v => number(v)},
    xAxis: {type: 'category', data: recipes, axisLabel: {interval: 0, fontSize: 11}}, yAxis: {type: 'value', min: Math.min(0, ...methods.map(m => m.nonsense_gap - 2 * m.nonsense_error)), max: Math.max(0, ...methods.map(m => m.nonsense_gap + 2 * m.nonsense_error)),
      axisLabel: {showMaxLabel: false, formatter: v => number(v, 2)}}, series});
}
// Each draw: how far its tokens are from the evaluated text's, and the perplexity after calibrating on it.
function distances(parent) {
  const text = data.evaluations.find(e => e.kind === 'text');
  const rows = text ? data.rows.filter(r => r.evaluation === text.evaluation && r.done && !isFree(r.recipe)) : [];
  if (!rows.length || data.sets.length < 2) return;
  const holder = make('div', {class: 'grid'});
  parent.append(holder);
  for (const {model} of data.models) {
    const points = {};
    for (const row of rows.filter(r => r.model === model)) {
      const draw = data.draws.find(d => d.model === model && d.set === row.set && d.draw === row.draw);
      const full = data.methods.find(m => m.model === model && m.evaluation === text.evaluation && m.metric === 'ln_perplexity')?.full_precision;
      if (draw && draw.token_kl !== null && full) (points[row.recipe] = points[row.recipe] || []).push({value: [draw.token_kl, row.perplexity / Math.exp(full)], set: row.set});
    }
    const values = Object.values(points).flat().map(p => p.value[1]);
    if (!values.length) continue;
    chart(holder, `${model}: do tokens that are further away cost more?`, `A mark per draw: perplexity on ${text.evaluation}, times full precision.`, 300)({
      grid: {left: 58, right: 16, top: 40, bottom: 42}, legend: {type: 'scroll', top: 0},
      tooltip: {formatter: p => `${p.seriesName}, ${p.data.set}<br>distance ${number(p.data.value[0], 3)}, perplexity × ${number(p.data.value[1])}`},
      xAxis: {type: 'value', scale: true, name: 'KL(evaluated tokens ‖ calibration tokens)', nameLocation: 'middle', nameGap: 26},
      yAxis: {...axisOf(values, false), axisLabel: {formatter: v => number(v, 3)}},
      series: Object.entries(points).map(([name, list]) => ({type: 'scatter', name, symbolSize: 7, data: list}))});
  }
}
function effectTable(parent) {
  const rows = data.effects.filter(e => !isFree(e.recipe));
  table(parent, 'effects', [
    {name: 'model', text: true, value: r => r.model}, {name: 'recipe', text: true, value: r => r.recipe},
    {name: 'set', text: true, value: r => r.set}, {name: 'measured on', text: true, value: r => r.evaluation},
    {name: 'metric', text: true, value: r => r.metric},
    {name: 'difference', value: r => r.difference}, {name: '± error', value: r => r.error},
    {name: 'in errors', value: r => r.error > 0 ? r.difference / r.error : null, show: r => r.error > 0 ? (r.difference / r.error).toFixed(1) : ''},
    {name: 'verdict', text: true, value: r => r.verdict, mark: r => r.verdict === 'no effect seen' ? 'none' : r.verdict}], rows);
}
function methodTable(parent) {
  table(parent, 'methods', [
    {name: 'model', text: true, value: r => r.model}, {name: 'recipe', text: true, value: r => r.recipe},
    {name: 'measured on', text: true, value: r => r.evaluation}, {name: 'metric', text: true, value: r => r.metric},
    {name: 'bits', value: r => r.bits}, {name: 'default set', value: r => r.mean}, {name: '± error', value: r => r.error},
    {name: 'best set', text: true, value: r => isFree(r.recipe) ? '' : r.best}, {name: 'worst set', text: true, value: r => isFree(r.recipe) ? '' : r.worst},
    {name: 'susceptibility', value: r => r.susceptibility}, {name: 'of sane sets', value: r => r.sane_susceptibility},
    {name: 'sd over draws', value: r => r.within_sd}, {name: 'sd between sets', value: r => r.between_sd},
    {name: 'nonsense gap', value: r => r.nonsense_gap}, {name: '± error ', value: r => r.nonsense_error}],
    data.methods.filter(m => m.recipe !== 'full-precision'));
}
function domains() {
  const texts = data.evaluations.filter(e => e.kind === 'text');
  const read = data.recipes.filter(r => !r.data_free).map(r => r.recipe);
  if (texts.length < 2 || !read.length || data.sets.length < 2) return;
  const part = section('Is a text of one’s own kind better?',
    'Perplexity after calibration on each set (rows), measured on each text (columns), relative to the column’s best. A blue diagonal of own kinds is an own-domain advantage.');
  const controls = make('div', {class: 'controls'}), holder = make('div', {class: 'grid'});
  part.append(controls, holder);
  const draw = () => {
    holder.replaceChildren();
    for (const {model} of data.models) {
      const cells = data.figures.filter(f => f.model === model && f.recipe === recipe() && f.metric === 'ln_perplexity');
      if (!cells.length) continue;
      const names = setNames();
      const values = cells.map(c => {
        const best = Math.min(...cells.filter(o => o.evaluation === c.evaluation).map(o => o.mean));
        return [texts.findIndex(t => t.evaluation === c.evaluation), names.indexOf(c.set), 100 * Math.expm1(c.mean - best)];
      });
      chart(holder, model, '% above the best set of the column', 90 + 34 * names.length)({
        grid: {left: 110, right: 20, top: 10, bottom: 40}, tooltip: {formatter: p => `${names[p.data[1]]} → ${texts[p.data[0]].evaluation}: +${number(p.data[2], 3)} %`},
        xAxis: {type: 'category', data: texts.map(t => t.evaluation)}, yAxis: {type: 'category', data: names, inverse: true},
        visualMap: {show: false, min: 0, max: Math.max(1, ...values.map(v => v[2])), dimension: 2, inRange: {color: ['#0b6cb5', '#d7e6f3', '#f3d6c4', '#b4341e']}},
        series: [{type: 'heatmap', data: values, label: {show: true, formatter: p => number(p.data[2], 2), fontSize: 11}, itemStyle: {borderColor: '#fff', borderWidth: 1}}]});
    }
  };
  const recipe = choose(controls, 'domain', 'recipe', read, draw);
  draw();
}
