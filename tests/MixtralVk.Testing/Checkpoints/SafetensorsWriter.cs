using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;

namespace MixtralVk.Testing.Checkpoints;

/// <summary>Writes safetensors files from tensor bytes.</summary>
public sealed class SafetensorsWriter
{
    private readonly List<(string Name, string Type, long[] Shape, byte[] Data)> _tensors = [];

    /// <summary>Names of the tensors, in order.</summary>
    public IEnumerable<string> Names => _tensors.Select(t => t.Name);

    /// <summary>Adds a tensor; the slowest dimension first.</summary>
    public SafetensorsWriter Add(string name, string type, long[] shape, byte[] data)
    {
        _tensors.Add((name, type, shape, data));
        return this;
    }

    /// <summary>Adds a tensor of floats, encoded as F32, F16 or BF16 (the nearest one).</summary>
    public SafetensorsWriter AddFloats(string name, string type, long[] shape, ReadOnlySpan<float> values) =>
        Add(name, type, shape, Encode(type, values));

    /// <summary>The whole file.</summary>
    public byte[] ToBytes()
    {
        var header = new JsonObject { ["__metadata__"] = new JsonObject { ["format"] = "pt" } };
        long offset = 0;
        foreach ((string name, string type, long[] shape, byte[] data) in _tensors)
        {
            header[name] = new JsonObject
            {
                ["dtype"] = type,
                ["shape"] = new JsonArray([.. shape.Select(size => JsonValue.Create(size))]),
                ["data_offsets"] = new JsonArray(offset, offset + data.Length),
            };
            offset += data.Length;
        }
        return File(header.ToJsonString(), [.. _tensors.SelectMany(t => t.Data)]);
    }

    /// <summary>A file with any header at all, padded to 8 bytes as the format's own writer does.</summary>
    public static byte[] File(string header, byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        json = [.. json, .. Enumerable.Repeat((byte)' ', (8 - json.Length % 8) % 8)];
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        return [.. length, .. json, .. data];
    }

    private static byte[] Encode(string type, ReadOnlySpan<float> values)
    {
        int size = type == "F32" ? 4 : 2;
        var data = new byte[values.Length * size];
        for (int i = 0; i < values.Length; i++)
        {
            Span<byte> to = data.AsSpan(i * size);
            if (type == "F32") BinaryPrimitives.WriteSingleLittleEndian(to, values[i]);
            else if (type == "F16") BinaryPrimitives.WriteHalfLittleEndian(to, (Half)values[i]);
            else if (type == "BF16") BinaryPrimitives.WriteUInt16LittleEndian(to, NearestBFloat(values[i]));
            else throw new ArgumentException($"{type} is not a float type of this writer.", nameof(type));
        }
        return data;
    }

    private static ushort NearestBFloat(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    }
}
