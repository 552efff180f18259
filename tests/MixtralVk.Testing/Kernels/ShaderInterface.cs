using System.Runtime.InteropServices;
using System.Text;
using MixtralVk.Gpu;

namespace MixtralVk.Testing.Kernels;

/// <summary>A buffer as a shader declares it; a texel buffer by the name of its variable, the others by that of their block.</summary>
internal sealed record ShaderBuffer(uint Binding, string Name, BufferAccess Access, BindingKind Kind);

/// <summary>A push constant as a shader declares it.</summary>
internal sealed record ShaderPush(string Name, uint Offset, bool IsFloat);

/// <summary>A specialisation constant; the size of the workgroup has no name.</summary>
internal sealed record ShaderConstant(uint Id, string? Name, bool IsBool);

/// <summary>
/// What a SPIR-V module asks of its caller, read from its declarations. Expects an unoptimised module: others have lost names and whatever
/// is not used. Numbers are those of the SPIR-V specification, sections 3.20 (decorations) and 3.49 (instructions).
/// </summary>
internal sealed class ShaderInterface
{
    private const int OpName = 5, OpMemberName = 6, OpTypeBool = 20, OpTypeFloat = 22, OpTypeImage = 25, OpTypeStruct = 30,
    OpTypePointer = 32, OpSpecConstantTrue = 48,
        OpSpecConstant = 50, OpVariable = 59, OpDecorate = 71, OpMemberDecorate = 72;
    private const uint SpecId = 1, NonWritable = 24, NonReadable = 25, Binding = 33, DescriptorSet = 34, Offset = 35;
    private const uint UniformConstant = 0, Uniform = 2, StorageBuffer = 12, PushConstant = 9;

    private readonly Dictionary<uint, string> _names = [];
    private readonly Dictionary<(uint Type, uint Member), string> _memberNames = [];
    private readonly Dictionary<(uint Id, uint Decoration), uint> _decorations = [];
    private readonly Dictionary<(uint Type, uint Member, uint Decoration), uint> _memberDecorations = [];
    private readonly Dictionary<uint, uint[]> _structs = [];
    private readonly Dictionary<uint, uint> _pointees = [];
    private readonly Dictionary<uint, uint> _texels = [];   // of an image
    private readonly HashSet<uint> _floats = [], _bools = [];

    private readonly List<ShaderBuffer> _buffers = [];
    private readonly List<ShaderPush> _push = [];
    private readonly List<ShaderConstant> _constants = [];

    public ShaderInterface(ReadOnlySpan<byte> spirv)
    {
        ReadOnlySpan<uint> words = MemoryMarshal.Cast<byte, uint>(spirv);
        if (words.Length < 5 || words[0] != 0x07230203) throw new ArgumentException("Not a SPIR-V module.", nameof(spirv));
        for (int at = 5; at < words.Length; at += (int)(words[at] >> 16))
            Read((int)(words[at] & 0xFFFF), words.Slice(at + 1, (int)(words[at] >> 16) - 1));
        _buffers.Sort((a, b) => a.Binding.CompareTo(b.Binding));
        _constants.Sort((a, b) => a.Id.CompareTo(b.Id));
    }

    /// <summary>Buffers in order of binding.</summary>
    public IReadOnlyList<ShaderBuffer> Buffers => _buffers;

    /// <summary>Push constants in order of offset.</summary>
    public IReadOnlyList<ShaderPush> Push => _push;

    /// <summary>Specialisation constants in order of id.</summary>
    public IReadOnlyList<ShaderConstant> Constants => _constants;

    // Names and decorations come before types, types before the variables and constants that use them.
    private void Read(int op, ReadOnlySpan<uint> operands)
    {
        switch (op)
        {
            case OpName: _names[operands[0]] = Text(operands[1..]); break;
            case OpMemberName: _memberNames[(operands[0], operands[1])] = Text(operands[2..]); break;
            case OpDecorate: _decorations[(operands[0], operands[1])] = operands.Length > 2 ? operands[2] : 0; break;
            case OpMemberDecorate: _memberDecorations[(operands[0], operands[1], operands[2])] = operands.Length > 3
                ? operands[3] : 0; break;
            case OpTypeBool: _bools.Add(operands[0]); break;
            case OpTypeImage: _texels[operands[0]] = operands[1]; break;
            case OpTypeFloat: _floats.Add(operands[0]); break;
            case OpTypeStruct: _structs[operands[0]] = operands[1..].ToArray(); break;
            case OpTypePointer: _pointees[operands[0]] = operands[2]; break;
            case OpVariable when operands[2] == StorageBuffer: AddBuffer(operands[1], _pointees[operands[0]]); break;
            case OpVariable when operands[2] == Uniform: AddBuffer(operands[1], _names[_pointees[operands[0]]], BufferAccess.Read,
                BindingKind.Uniform); break;
            case OpVariable when operands[2] == UniformConstant: AddTexels(operands[1], _pointees[operands[0]]); break;
            case OpVariable when operands[2] == PushConstant: AddPush(_pointees[operands[0]]); break;
            case >= OpSpecConstantTrue and <= OpSpecConstant when _decorations.TryGetValue((operands[1], SpecId), out uint id):
                // A workgroup size is declared without a name, and once more where the shader reads it.
                var constant = new ShaderConstant(id, _names.GetValueOrDefault(operands[1]), _bools.Contains(operands[0]));
                if (constant.Name is not null) _constants.RemoveAll(c => c.Id == id && c.Name is null);
                if (!_constants.Exists(c => c.Id == id && (constant.Name is null || c.Name == constant.Name))) _constants.Add(constant);
                break;
        }
    }

    private void AddBuffer(uint variable, uint type)
    {
        bool reads = !_memberDecorations.ContainsKey((type, 0, NonReadable)),
            writes = !_memberDecorations.ContainsKey((type, 0, NonWritable));
        BufferAccess access = (reads ? BufferAccess.Read : 0) | (writes ? BufferAccess.Write : 0);
        AddBuffer(variable, _names[type], access, BindingKind.Storage);
    }

    private void AddTexels(uint variable, uint image) => AddBuffer(variable, _names[variable], BufferAccess.Read,
        _floats.Contains(_texels[image]) ? BindingKind.FloatTexels : BindingKind.UintTexels);

    private void AddBuffer(uint variable, string name, BufferAccess access, BindingKind kind)
    {
        if (_decorations[(variable, DescriptorSet)] != 0) throw new ArgumentException($"{name} is not in set 0.");
        _buffers.Add(new ShaderBuffer(_decorations[(variable, Binding)], name, access, kind));
    }

    private void AddPush(uint type)
    {
        for (uint member = 0; member < _structs[type].Length; member++)
            _push.Add(new ShaderPush(_memberNames[(type, member)], _memberDecorations[(type, member, Offset)],
                _floats.Contains(_structs[type][member])));
    }

    private static string Text(ReadOnlySpan<uint> words)
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(words);
        return Encoding.UTF8.GetString(bytes[..bytes.IndexOf((byte)0)]);
    }
}
