/**
 * Pairs rows with columns so that the sum of their gains is the largest there is. Only pairs with a gain above 0 are made, and what
 * gains nothing stays alone. Most pairs gain nothing (boxes that do not touch), so each group of rows and columns that hang together is
 * solved by itself.
 * @returns the column of each row, or -1
 */
export function assign(rowCount: number, columnCount: number, gainOf: (row: number, column: number) => number): Int32Array {
  const gains = new Float64Array(rowCount * columnCount);
  for (let row = 0; row < rowCount; row += 1) {
    for (let column = 0; column < columnCount; column += 1) gains[row * columnCount + column] = Math.max(0, gainOf(row, column));
  }
  const columnOf = new Int32Array(rowCount).fill(-1);
  for (const { rows, columns } of groupsOf(gains, rowCount, columnCount)) {
    const gainIn = (row: number, column: number): number =>
      gains[(rows[row] as number) * columnCount + (columns[column] as number)] as number;
    // The smaller side takes turns: its square goes into the time.
    if (rows.length <= columns.length) {
      solve(rows.length, columns.length, gainIn).forEach((column, row) => {
        if (column !== -1) columnOf[rows[row] as number] = columns[column] as number;
      });
    } else {
      solve(columns.length, rows.length, (column, row) => gainIn(row, column)).forEach((row, column) => {
        if (row !== -1) columnOf[rows[row] as number] = columns[column] as number;
      });
    }
  }
  return columnOf;
}

interface Group {
  rows: number[];
  columns: number[];
}

/** Rows and columns that are joined by gains, directly or by way of others. */
function groupsOf(gains: Float64Array, rowCount: number, columnCount: number): Group[] {
  const groups: Group[] = [];
  const isKnownRow = new Uint8Array(rowCount);
  const isKnownColumn = new Uint8Array(columnCount);
  for (let start = 0; start < rowCount; start += 1) {
    if (isKnownRow[start] === 1) continue;
    isKnownRow[start] = 1;
    const group: Group = { rows: [start], columns: [] };
    // Lists that grow while they are walked: each row brings its columns, each of those its rows.
    for (const row of group.rows) {
      for (let column = 0; column < columnCount; column += 1) {
        if (isKnownColumn[column] === 1 || gains[row * columnCount + column] === 0) continue;
        isKnownColumn[column] = 1;
        group.columns.push(column);
        for (let other = 0; other < rowCount; other += 1) {
          if (isKnownRow[other] === 1 || gains[other * columnCount + column] === 0) continue;
          isKnownRow[other] = 1;
          group.rows.push(other);
        }
      }
    }
    if (group.columns.length > 0) groups.push({ rows: group.rows.sort(ascending), columns: group.columns.sort(ascending) });
  }
  return groups;
}

function ascending(a: number, b: number): number {
  return a - b;
}

/** Costs by rows. A pair that gains nothing costs more than to stay alone, which costs 0. */
function costsOf(rowCount: number, columnCount: number, gainOf: (row: number, column: number) => number): Float64Array {
  const width = columnCount + rowCount;
  const costs = new Float64Array(rowCount * width);
  for (let row = 0; row < rowCount; row += 1) {
    for (let column = 0; column < columnCount; column += 1) {
      const gain = gainOf(row, column);
      costs[row * width + column] = gain > 0 ? -gain : 1;
    }
  }
  return costs;
}

/**
 * Shortest augmenting paths with potentials (Jonker and Volgenant 1987). To stay alone costs nothing, a pair costs what it does not
 * gain: each row has a column of its own, behind the real ones, for staying alone.
 * @returns the real column of each row, or -1
 */
function solve(rowCount: number, columnCount: number, gainOf: (row: number, column: number) => number): Int32Array {
  const width = columnCount + rowCount;
  const costs = costsOf(rowCount, columnCount, gainOf);
  const rowPotential = new Float64Array(rowCount);
  const columnPotential = new Float64Array(width);
  const rowOf = new Int32Array(width).fill(-1);
  const distance = new Float64Array(width);
  const cameFrom = new Int32Array(width);
  const isDone = new Uint8Array(width);

  for (let start = 0; start < rowCount; start += 1) {
    distance.fill(Number.POSITIVE_INFINITY);
    isDone.fill(0);
    let row = start;
    let column = -1;
    let reached = 0;
    // Dijkstra over reduced costs, from the new row to the nearest column that nobody has.
    do {
      let nearest = -1;
      const first = row * width;
      const offset = reached - (rowPotential[row] as number);
      for (let at = 0; at < width; at += 1) {
        if (isDone[at] === 1) continue;
        const length = offset + (costs[first + at] as number) - (columnPotential[at] as number);
        if (length < (distance[at] as number)) {
          distance[at] = length;
          cameFrom[at] = column;
        }
        if (nearest === -1 || (distance[at] as number) < (distance[nearest] as number)) nearest = at;
      }
      column = nearest;
      reached = distance[column] as number;
      isDone[column] = 1;
      row = rowOf[column] as number;
    } while (row !== -1);
    adjustPotentials(start, reached);
    augment(column, start);
  }
  const columnOf = new Int32Array(rowCount).fill(-1);
  for (let column = 0; column < columnCount; column += 1) if (rowOf[column] !== -1) columnOf[rowOf[column] as number] = column;
  return columnOf;

  /** Keeps reduced costs at 0 or above, and at 0 along the path. */
  function adjustPotentials(start: number, reached: number): void {
    rowPotential[start] = (rowPotential[start] as number) + reached;
    for (let at = 0; at < width; at += 1) {
      if (isDone[at] === 0) continue;
      const slack = reached - (distance[at] as number);
      columnPotential[at] = (columnPotential[at] as number) - slack;
      const owner = rowOf[at] as number;
      if (owner !== -1) rowPotential[owner] = (rowPotential[owner] as number) + slack;
    }
  }

  /** Hands columns on along the path: each goes to the row that came from the column before it. */
  function augment(end: number, start: number): void {
    for (let at = end; at !== -1; ) {
      const before = cameFrom[at] as number;
      rowOf[at] = before === -1 ? start : (rowOf[before] as number);
      at = before;
    }
  }
}
