/**
 * `#rrggbb` (sRGB) as Recommended Display CIELab Value: L*a*b* under D50 in 16 bits each (PS3.3 C.10.7.1.1). The matrix is
 * Bruce Lindbloom's for sRGB adapted to D50 (Bradford), www.brucelindbloom.com.
 */
export function labOf(hex: string): [l: number, a: number, b: number] {
  const [r, g, blue] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  // Over the white of D50.
  const x = (0.4360747 * r + 0.3850649 * g + 0.1430804 * blue) / 0.9642;
  const y = 0.2225045 * r + 0.7168786 * g + 0.0606169 * blue;
  const z = (0.0139322 * r + 0.0971045 * g + 0.7141733 * blue) / 0.8249;
  const f = (t: number): number => (t > (6 / 29) ** 3 ? Math.cbrt(t) : t / (3 * (6 / 29) ** 2) + 4 / 29);
  const whole = (value: number): number => Math.min(65535, Math.max(0, Math.round(value)));
  return [
    whole(((116 * f(y) - 16) * 65535) / 100),
    whole(((500 * (f(x) - f(y)) + 128) * 65535) / 255),
    whole(((200 * (f(y) - f(z)) + 128) * 65535) / 255),
  ];
}
