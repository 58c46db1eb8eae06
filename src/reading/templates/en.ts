import type { Region, RegionTexts } from './regions.ts';

export const en: Record<Region, RegionTexts> = {
  hand: {
    name: 'Hand and fingers',
    findings: [
      'No fracture line is seen in the phalanges, the metacarpals or the part of the carpus that is included.',
      'The metacarpophalangeal and interphalangeal joints are congruent, without dislocation or subluxation.',
      'No avulsion fragment is seen at the joints.',
      'Bone mineralisation is normal for age.',
      'No significant soft tissue swelling and no radiopaque foreign body.',
    ],
    conclusion: 'No acute bone injury is seen on these radiographs of the hand.',
    headings: ['Phalanges and metacarpals', 'Carpus', 'Joints', 'Soft tissues'],
  },
  wrist: {
    name: 'Wrist',
    findings: [
      'No fracture line is seen in the distal radius or ulna; the cortices are continuous.',
      'The carpal bones are normal, the scaphoid in particular; the carpal arcs (Gilula) are smooth.',
      'The radiocarpal and distal radioulnar joints are congruent; the scapholunate interval is not widened.',
      'Volar tilt and ulnar variance are unremarkable.',
      'The soft tissues are unremarkable.',
    ],
    conclusion:
      'No acute bone injury is seen on these radiographs of the wrist. If there is tenderness in the anatomical snuffbox, clinical review and further imaging should be considered.',
    headings: [
      'Distal radius and ulna',
      'Scaphoid and other carpal bones',
      'Alignment and joints',
      'Soft tissues',
    ],
  },
  forearm: {
    name: 'Forearm',
    findings: [
      'No fracture line is seen in the shafts of the radius and ulna; the cortices are continuous and the axes preserved.',
      'The elbow and wrist are congruent as far as they are included; no radioulnar dislocation.',
      'No periosteal reaction and no focal bone lesion.',
      'The soft tissues are unremarkable.',
    ],
    conclusion: 'No acute bone injury is seen on these radiographs of the forearm.',
    headings: ['Radius', 'Ulna', 'Joints above and below', 'Soft tissues'],
  },
  elbow: {
    name: 'Elbow',
    findings: [
      'No fracture line is seen in the distal humerus, the olecranon, the coronoid process or the radial head.',
      'The radiocapitellar and anterior humeral lines are preserved; no dislocation.',
      'The anterior and posterior fat pads are not displaced: no joint effusion is seen.',
      'No radiopaque loose body.',
      'The soft tissues are unremarkable.',
    ],
    conclusion: 'No acute bone injury and no joint effusion are seen on these radiographs of the elbow.',
    headings: [
      'Distal humerus',
      'Proximal ulna and radial head',
      'Alignment',
      'Fat pads, effusion',
      'Soft tissues',
    ],
  },
  shoulder: {
    name: 'Shoulder and upper arm',
    findings: [
      'No fracture line is seen in the proximal humerus, the glenoid, the scapula as included or the clavicle.',
      'The humeral head is centred on the glenoid, without dislocation.',
      'The acromioclavicular joint is congruent; the subacromial space is preserved.',
      'No calcification is projected over the rotator cuff tendons.',
      'The ribs and lung included on the images are unremarkable.',
    ],
    conclusion: 'No acute bone injury and no dislocation are seen on these radiographs of the shoulder.',
    headings: [
      'Proximal humerus',
      'Scapula and glenoid',
      'Clavicle and acromioclavicular joint',
      'Glenohumeral alignment',
      'Soft tissues, calcifications',
    ],
  },
  hip: {
    name: 'Hip and pelvis',
    findings: [
      'No fracture line is seen in the proximal femur: head, neck and trochanteric region.',
      'The acetabulum and the pubic rami are intact as far as they are included.',
      'Shenton’s line is smooth; the femoral head is congruent.',
      'The joint space is preserved.',
      'The trabecular pattern is normal for age; the soft tissues are unremarkable.',
    ],
    conclusion:
      'No fracture is seen on these radiographs of the hip. If the patient remains unable to bear weight, radiographs alone do not exclude an occult fracture: CT or MRI should be considered.',
    headings: [
      'Proximal femur',
      'Acetabulum and pubic rami',
      'Hip joint',
      'Sacroiliac joints and symphysis',
      'Soft tissues',
    ],
  },
  femur: {
    name: 'Femur',
    findings: [
      'No fracture line is seen in the shaft or the metaphyses of the femur; the cortices are continuous and the axis preserved.',
      'No focal cortical thickening and no periosteal reaction.',
      'No focal bone lesion.',
      'The hip and knee are congruent as far as they are included.',
      'The soft tissues are unremarkable.',
    ],
    conclusion: 'No acute bone injury is seen on these radiographs of the femur.',
    headings: ['Proximal femur', 'Shaft', 'Distal femur', 'Soft tissues'],
  },
  knee: {
    name: 'Knee',
    findings: [
      'No fracture line is seen in the distal femur, the tibial plateaus, the fibular head or the patella.',
      'The tibiofemoral and patellofemoral joint spaces are preserved; the patella is in place.',
      'No effusion is seen in the suprapatellar recess, and no fat-fluid level.',
      'No avulsion fragment is seen at the ligament or capsular insertions.',
      'The soft tissues are unremarkable.',
    ],
    conclusion: 'No acute bone injury and no joint effusion are seen on these radiographs of the knee.',
    headings: [
      'Distal femur',
      'Tibial plateaus and fibular head',
      'Patella',
      'Joint spaces',
      'Effusion, soft tissues',
    ],
  },
  leg: {
    name: 'Leg',
    findings: [
      'No fracture line is seen in the shafts of the tibia and fibula; the cortices are continuous and the axes preserved.',
      'No periosteal reaction and no focal cortical thickening.',
      'The knee and ankle are congruent as far as they are included.',
      'The soft tissues are unremarkable.',
    ],
    conclusion: 'No acute bone injury is seen on these radiographs of the leg.',
    headings: ['Tibia', 'Fibula', 'Joints above and below', 'Soft tissues'],
  },
  ankle: {
    name: 'Ankle and hindfoot',
    findings: [
      'No fracture line is seen in the medial, lateral or posterior malleolus.',
      'The ankle mortise is congruent; the distal tibiofibular clear space is not widened.',
      'The talar dome is smooth; the calcaneus and the base of the fifth metatarsal, where included, show no fracture.',
      'No avulsion fragment is seen.',
      'No significant soft tissue swelling.',
    ],
    conclusion: 'No acute bone injury is seen on these radiographs of the ankle.',
    headings: [
      'Malleoli',
      'Tibial plafond and talar dome',
      'Mortise and syndesmosis',
      'Calcaneus, midfoot',
      'Soft tissues',
    ],
  },
  foot: {
    name: 'Foot and toes',
    findings: [
      'No fracture line is seen in the phalanges, the metatarsals or the tarsal bones; the base of the fifth metatarsal is intact.',
      'Tarsometatarsal (Lisfranc) and midtarsal (Chopart) alignment is preserved.',
      'The metatarsophalangeal and interphalangeal joints are congruent.',
      'The calcaneus is normal on the views obtained.',
      'No radiopaque foreign body in the soft tissues.',
    ],
    conclusion: 'No acute bone injury is seen on these radiographs of the foot.',
    headings: [
      'Toes and metatarsals',
      'Tarsus and calcaneus',
      'Alignment (Lisfranc, Chopart)',
      'Soft tissues',
    ],
  },
  generic: {
    name: 'General',
    findings: [
      'No fracture line is seen; the cortices are continuous.',
      'The joints are congruent.',
      'No focal bone lesion; mineralisation is normal for age.',
      'The soft tissues are unremarkable.',
    ],
    conclusion: 'No acute bone injury is seen on these radiographs.',
    headings: ['Bones', 'Joints', 'Soft tissues', 'Comparison with earlier studies'],
  },
};
