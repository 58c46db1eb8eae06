import { personName, shortText, sr, stableUid, type DicomJson } from '../dicom/index.ts';
import type { Box } from '../assist/types.ts';
import type { Finding, RecordedAi, Report, ReportRecord } from '../reading/types.ts';
import { equipmentOf, organisationOf, studyOf } from './head.ts';
import { documentUid, seriesUid } from './uids.ts';

const SERIES_NUMBER = 9101;
/** CID 7001: (121078, DCM, "Addendum"). */
const ADDENDUM = { section: sr.DCM('121078', 'Addendum'), text: sr.DCM('121078', 'Addendum') };
const JUSTIFICATION = {
  section: sr.LOCAL('justification', 'Justification of the examination'),
  text: sr.LOCAL('justification', 'Justification of the examination'),
};
const INFORMED = sr.LOCAL('ai-informed', 'Patient informed that AI was used');

const algorithmOf = (tool: RecordedAi): sr.Algorithm => ({
  name: tool.name.en,
  version: tool.version,
  parameters: [
    `model=${tool.modelId}`,
    `weights-sha256=${tool.weightsSha256}`,
    `operating-point=${tool.operatingPoint}`,
    `threshold=${tool.threshold}`,
    `stage=${tool.stage}`,
  ],
});

/** Code of a label where the tool gives one; else the words themselves under a local code. */
function findingCode(finding: Finding, ai: readonly RecordedAi[]): sr.Code {
  const label = ai.map(({ labels }) => labels[finding.label]).find((found) => found !== undefined);
  if (label?.code) return sr.code(label.code.scheme)(label.code.value, label.code.meaning);
  const words = label?.text.en ?? finding.text ?? finding.label;
  return sr.LOCAL('finding', shortText(words) || 'Finding');
}

function groupsOf(
  finding: Finding,
  record: ReportRecord,
  references: ReadonlyMap<string, sr.ImageReference>,
) {
  const tool = record.ai.find(({ runId }) => runId === finding.runId);
  const image = references.get(finding.sopInstanceUid);
  // A correction replaces the tool's places; several places of one proposal are one group each, under one tracking name.
  const boxes: Box[] = finding.box ? [finding.box] : finding.places.map(({ box }) => box);
  const group = (suffix: string, box: Box | undefined): sr.MeasurementGroup => ({
    trackingId: `Finding ${finding.number}${suffix}`,
    trackingUid: stableUid(`finding ${record.id} ${finding.id}${suffix}`),
    finding: findingCode(finding, record.ai),
    ...(image ? (box ? { region: { image, box } } : { images: [image] }) : {}),
    ...(tool ? { algorithm: algorithmOf(tool) } : {}),
    ...(finding.score === null
      ? {}
      : { measurements: [{ concept: sr.SCORE, value: finding.score, unit: sr.NO_UNITS }] }),
    ...(finding.by === 'reader'
      ? { decision: 'added' as const }
      : finding.decision
        ? { decision: finding.decision }
        : {}),
    decidedBy: personName(record.reader.name),
    ...(finding.decidedAt === null ? {} : { decidedAt: new Date(finding.decidedAt) }),
    ...(finding.text ? { comment: finding.text } : {}),
  });
  return boxes.length < 2 ? [group('', boxes[0])] : boxes.map((box, index) => group(`.${index + 1}`, box));
}

/**
 * A signed report with its first addenda as TID 1500 (PS3.16): the text, the answers, each finding with the tool that proposed it
 * and who decided what. Pure: the same report gives the same data set. Tools that were not shown are not in it.
 */
export function reportSr(report: Report, addenda: number, version: string): DicomJson {
  const record = report.record!;
  const { fields, reader } = record;
  const images = record.images.map((image): sr.ImageReference => ({ ...image, studyUid: record.studyUid }));
  const references = new Map(images.map((image) => [image.sopInstanceUid, image]));
  const shown = record.ai.filter(({ shownAt }) => shownAt !== null);
  const added = report.addenda.slice(0, addenda);
  const at = new Date(added.at(-1)?.signedAt ?? record.signedAt);
  const organisation = organisationOf(record);
  const questions = record.ai.flatMap((tool): sr.Evaluation[] => {
    const answer = fields.answers[tool.modelId];
    return tool.question && answer
      ? [
          {
            concept: sr.LOCAL(tool.question.id, tool.question.text.en),
            value: sr.ANSWER[answer],
          },
        ]
      : [];
  });
  return sr.measurementReport({
    study: studyOf(record),
    equipment: equipmentOf(record, version),
    at,
    timeZone: record.timeZone,
    language: fields.language,
    observers: [{ person: personName(reader.name), organisation }],
    verification: { name: personName(reader.name), organisation, at },
    images,
    sections: [
      { heading: sr.SECTION.indication, text: fields.indication },
      { heading: JUSTIFICATION, text: fields.justification },
      { heading: sr.SECTION.technique, text: fields.technique },
      { heading: sr.SECTION.radiation, text: fields.dose },
      { heading: sr.SECTION.findings, text: fields.findings },
      { heading: sr.SECTION.conclusion, text: fields.conclusion },
      ...added.map(({ text, readerName }) => ({ heading: ADDENDUM, text: `${text}\n(${readerName})` })),
    ],
    evaluations: [
      ...questions,
      // A box that nobody ticked says nothing: only what the physician stated stands here.
      ...(shown.length > 0 && fields.patientInformedOfAi
        ? [{ concept: INFORMED, value: sr.ANSWER.yes }]
        : []),
    ],
    groups: record.findings.flatMap((finding) => groupsOf(finding, record, references)),
    algorithms: shown
      .filter(({ runId }) => !record.findings.some((finding) => finding.runId === runId))
      .map(algorithmOf),
    seriesDescription: fields.language === 'fr' ? 'Compte rendu (SR)' : 'Report (SR)',
    seriesNumber: SERIES_NUMBER,
    sopInstanceUid: documentUid(record.id, 'sr', addenda),
    seriesInstanceUid: seriesUid(record.id, 'sr'),
  });
}
