// The first row of each part that waits is the one that is tested now.
export function nextOf(rows) {
  const parts = new Map();
  for (const row of rows) {
    if (row.waiting && !parts.has(row.part)) parts.set(row.part, row.id);
  }
  // That both are the same machine is known when both are through.
  return [...parts.values()].filter((id) => id !== "same" || parts.size === 1);
}
