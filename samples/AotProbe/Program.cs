// A NativeAOT program, so that nothing in the library may need run-time code generation: asks a model one question on the CPU.
using MixtralVk;

if (args is not [string file])
{
    Console.Error.WriteLine("usage: AotProbe FILE");
    return 2;
}
using MixtralModel model = MixtralModel.Load(file, new MixtralOptions { Device = DeviceKind.Cpu });
using Chat chat = model.StartChat("You are Brannor, a gruff blacksmith from Oakhaven.", new GenerationOptions { Temperature = 0 });
foreach (string piece in chat.Ask("Hello, who are you?")) Console.Write(piece);
Console.WriteLine();
return 0;
