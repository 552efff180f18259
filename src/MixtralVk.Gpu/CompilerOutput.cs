using System.Runtime.InteropServices;
using MixtralVk.Gpu.Extensions;
using Silk.NET.Vulkan;

namespace MixtralVk.Gpu;

/// <summary>
/// What the driver's compiler made of a kernel (VK_KHR_pipeline_executable_properties): read without running it, so a device that only
/// compiles will do. Needs <see cref="GpuOptions.CompileOnly"/>.
/// </summary>
/// <param name="Description">What the driver says of the program ("SIMD16 compute shader").</param>
/// <param name="SubgroupSize">Lanes of a subgroup.</param>
/// <param name="Statistics">The driver's numbers by the driver's names.</param>
/// <param name="Texts">Intermediate forms and assembly by the driver's names.</param>
internal sealed record CompilerOutput(string Description, int SubgroupSize, IReadOnlyDictionary<string, double> Statistics,
    IReadOnlyDictionary<string, string> Texts)
{
    public const PipelineCreateFlags CaptureFlags =
        PipelineCreateFlags.CreateCaptureStatisticsBitKhr | PipelineCreateFlags.CreateCaptureInternalRepresentationsBitKhr;

    /// <summary>
    /// Compiles a kernel; its buffers need not exist. A compute pipeline is one program with every driver; another number throws.
    /// </summary>
    public static unsafe CompilerOutput Of(GpuDevice device, IKernel kernel)
    {
        KhrPipelineExecutableProperties extension = KhrPipelineExecutableProperties.TryLoad(device.Vk, device.Handle)
            ?? throw new GpuUnsupportedException(device.Description.Name, [KhrPipelineExecutableProperties.ExtensionName]);
        Pipeline pipeline = device.Pipelines.Get(PipelineKey.Of(kernel)).Handle;

        var info = new PipelineInfoKHR(pipeline: pipeline);
        uint count = 1;
        var properties = new PipelineExecutablePropertiesKHR(sType: StructureType.PipelineExecutablePropertiesKhr);
        Result result = extension.GetPipelineExecutableProperties(device.Handle, &info, &count, &properties);
        result.ThrowOnError("vkGetPipelineExecutablePropertiesKHR");
        if (count != 1 || result == Result.Incomplete)
            throw new GpuException($"{kernel.Shader} was compiled to {(count == 0 ? "no program" : "several programs")}.");

        var executable = new PipelineExecutableInfoKHR(pipeline: pipeline);
        return new CompilerOutput(Utf8.ToString(properties.Description), (int)properties.SubgroupSize,
            StatisticsOf(device, extension, &executable), TextsOf(device, extension, &executable));
    }

    private static unsafe Dictionary<string, double> StatisticsOf(GpuDevice device, KhrPipelineExecutableProperties extension,
        PipelineExecutableInfoKHR* executable)
    {
        uint count = 0;
        extension.GetPipelineExecutableStatistics(device.Handle, executable, &count, null)
            .ThrowOnError("vkGetPipelineExecutableStatisticsKHR");
        var statistics = new PipelineExecutableStatisticKHR[count];
        Array.Fill(statistics, new PipelineExecutableStatisticKHR(sType: StructureType.PipelineExecutableStatisticKhr));
        var values = new Dictionary<string, double>();
        fixed (PipelineExecutableStatisticKHR* p = statistics)
        {
            extension.GetPipelineExecutableStatistics(device.Handle, executable, &count, p)
                .ThrowOnError("vkGetPipelineExecutableStatisticsKHR");
            for (uint i = 0; i < count; i++)
                values[Utf8.ToString(p[i].Name)] = p[i].Format switch
                {
                    PipelineExecutableStatisticFormatKHR.Bool32Khr => p[i].Value.B32 ? 1 : 0,
                    PipelineExecutableStatisticFormatKHR.Int64Khr => p[i].Value.I64,
                    PipelineExecutableStatisticFormatKHR.Uint64Khr => p[i].Value.U64,
                    _ => p[i].Value.F64,
                };
        }
        return values;
    }

    private static unsafe Dictionary<string, string> TextsOf(GpuDevice device, KhrPipelineExecutableProperties extension,
        PipelineExecutableInfoKHR* executable)
    {
        uint count = 0;
        extension.GetPipelineExecutableInternalRepresentations(device.Handle, executable, &count, null)
            .ThrowOnError("vkGetPipelineExecutableInternalRepresentationsKHR");
        var forms = new PipelineExecutableInternalRepresentationKHR[count];
        Array.Fill(forms,
            new PipelineExecutableInternalRepresentationKHR(sType: StructureType.PipelineExecutableInternalRepresentationKhr));
        var texts = new Dictionary<string, string>();
        fixed (PipelineExecutableInternalRepresentationKHR* p = forms)
        {
            // First the sizes, then the texts.
            extension.GetPipelineExecutableInternalRepresentations(device.Handle, executable, &count, p)
                .ThrowOnError("vkGetPipelineExecutableInternalRepresentationsKHR");
            for (uint i = 0; i < count; i++) p[i].PData = NativeMemory.AllocZeroed(p[i].DataSize + 1);
            try
            {
                extension.GetPipelineExecutableInternalRepresentations(device.Handle, executable, &count, p)
                    .ThrowOnError("vkGetPipelineExecutableInternalRepresentationsKHR");
                for (uint i = 0; i < count; i++)
                    if (p[i].IsText) texts[Utf8.ToString(p[i].Name)] = Utf8.ToString((byte*)p[i].PData);
            }
            finally
            {
                for (uint i = 0; i < count; i++) NativeMemory.Free(p[i].PData);
            }
        }
        return texts;
    }
}
