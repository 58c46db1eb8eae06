/**
 * The view as a picture file: the image as it is shown, what is drawn on it, and a line that says what the picture is not for. It
 * holds no name.
 */

/** Properties that drawings get from the style sheet; a picture takes none along. */
const STYLES = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'stroke-linecap',
  'stroke-linejoin',
  'paint-order',
  'font',
  'opacity',
] as const;

/** Saves `host`, a pane, under `name`; `caption` stands at its foot. */
export function capture(host: Element, caption: string, name: string): void {
  const source = host.querySelector('canvas');
  if (!source) return;
  const { width, height } = source.getBoundingClientRect();
  const ratio = source.width / width;
  const picture = document.createElement('canvas');
  picture.width = source.width;
  picture.height = source.height;
  const context = picture.getContext('2d')!;
  context.fillStyle = '#000';
  context.fillRect(0, 0, picture.width, picture.height);
  context.drawImage(source, 0, 0);
  context.scale(ratio, ratio);
  const drawn = [...host.querySelectorAll<SVGSVGElement>('svg.marks')].map((svg) =>
    pictureOf(svg, width, height),
  );
  void Promise.all(drawn).then((layers) => {
    for (const layer of layers) context.drawImage(layer, 0, 0, width, height);
    context.font = '600 16px sans-serif';
    const wide = context.measureText(caption).width;
    context.fillStyle = '#000c';
    context.fillRect(0, height - 32, wide + 24, 32);
    context.fillStyle = '#fff';
    context.fillText(caption, 12, height - 10);
    const link = document.createElement('a');
    link.download = name;
    link.href = picture.toDataURL('image/png');
    link.click();
  });
}

async function pictureOf(svg: SVGSVGElement, width: number, height: number): Promise<HTMLImageElement> {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const from = svg.querySelectorAll('*');
  copy.querySelectorAll<SVGElement>('*').forEach((element, i) => {
    const style = getComputedStyle(from[i]!);
    for (const property of STYLES) element.style.setProperty(property, style.getPropertyValue(property));
  });
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', String(width));
  copy.setAttribute('height', String(height));
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  await image.decode();
  return image;
}
