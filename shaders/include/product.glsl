// What every matrix product declares first; followed by the bindings of its head.
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_ballot : require

// x: lanes, RowsPerLane neighbouring rows each; y: runs of columns inside the workgroup; z of the grid: parts of the columns over workgroups.
layout(local_size_x_id = 0, local_size_y_id = 1) in;
layout(constant_id = 0) const uint Lanes = 1;
layout(constant_id = 1) const uint ColumnSplits = 1;
layout(constant_id = 2) const uint RowsPerLane = 1;     // each activation is used this often
layout(constant_id = 3) const uint TokensPerPass = 1;   // activation rows of a workgroup: each weight is used this often
layout(constant_id = 4) const uint RunsPerLane = 1;     // runs of columns a lane takes one after the other
layout(constant_id = 5) const uint WorkgroupSplits = 1;
layout(constant_id = 6) const uint PartsPerWorkgroup = 1; // parts of the columns a workgroup takes one after the other
layout(constant_id = 7) const uint WeightFetch = 0;     // 0 storage buffer, 1 texels: the words of four neighbouring rows
layout(constant_id = 8) const uint ActivationFetch = 0; // 0 storage buffer, 1 uniform buffer, 2 texels: four columns
layout(constant_id = 9) const uint Cols = 1;

// Lanes take rows in quads: a quad's words are neighbours and are fetched together. Fewer than four rows per lane are a smaller quad.
const uint QuadRows = RowsPerLane < 4u ? RowsPerLane : 4u;
const uint Runs = ColumnSplits * RunsPerLane * WorkgroupSplits * PartsPerWorkgroup;
const bool AddsInWorkgroup = ColumnSplits > 1u;
