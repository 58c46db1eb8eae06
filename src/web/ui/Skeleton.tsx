/** Grey shapes of the right size. CSS keeps them invisible for the first 300 ms. */
export function Skeleton({
  width = '100%',
  height = 16,
}: {
  width?: number | string;
  height?: number | string;
}) {
  return <div className="skeleton" style={{ width, height }} aria-hidden="true" />;
}
export function PageSkeleton() {
  return (
    <div className="stack" style={{ padding: 24, maxWidth: 960 }} aria-busy="true">
      <Skeleton width={260} height={28} />
      <Skeleton width="60%" />
      <Skeleton height={160} />
      <Skeleton height={160} />
    </div>
  );
}
export function RowsSkeleton({ rows = 6, height = 56 }: { rows?: number; height?: number }) {
  return (
    <div className="stack" style={{ padding: 12, width: '100%' }} aria-busy="true">
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} height={height - 12} />
      ))}
    </div>
  );
}
