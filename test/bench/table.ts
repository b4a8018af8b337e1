// Prints figures side by side; with two columns, the ratio of the first to the second.

export type Figures = Record<string, number>;

export function printTable(columns: readonly (readonly [string, Figures])[]): void {
  const names = [...new Set(columns.flatMap(([, figures]) => Object.keys(figures)))];
  const rows = [['', ...columns.map(([title]) => title), ...(columns.length === 2 ? ['ratio'] : [])]];
  for (const name of names) {
    const values = columns.map(([, figures]) => figures[name]);
    const [first, second] = values;
    rows.push([name, ...values.map(format), ...(columns.length === 2 ? [first === undefined || second === undefined || second === 0 ? '' : (first / second).toFixed(2)] : [])]);
  }
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of rows) console.log(row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '));
}

function format(value: number | undefined): string {
  if (value === undefined) return '–';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
